#include "tests/support/scripted_peer.h"

#include "worker/base/assert.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

namespace worker {
namespace {

// Where the request's body ends; 0 while the head is incomplete.
std::size_t whole_length(const std::string& bytes) {
    const std::size_t head_end = bytes.find("\r\n\r\n");
    if (head_end == bytes.npos) return 0;
    const std::string name = "\r\nContent-Length: ";
    const std::size_t field = bytes.find(name);
    WORKER_ASSERT(field < head_end);
    return head_end + 4 + std::strtoul(bytes.c_str() + field + name.size(), nullptr, 10);
}

bool send_all(int client, const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const ssize_t n = send(client, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) return false;
        sent += static_cast<std::size_t>(n);
    }
    return true;
}

void wait_until_left(int client) {
    char byte;
    while (recv(client, &byte, 1, 0) > 0) {
    }
}

// A pause that the client's leaving ends.
bool stays_for_a_moment(int client) {
    const timeval pause{.tv_sec = 0, .tv_usec = 5'000};
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof pause);
    char byte;
    return recv(client, &byte, 1, 0) < 0 && errno == EAGAIN;
}

void trickle(int client, const std::string& bytes) {
    for (std::size_t i = 0; stays_for_a_moment(client); ++i) {
        if (!send_all(client, bytes.substr(i % bytes.size(), 1))) return;
    }
}

int listen_on(ScriptedPeer::Family family) {
    const bool v4 = family == ScriptedPeer::Family::ipv4;
    sockaddr_in any_v4{};
    any_v4.sin_family = AF_INET;
    any_v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 any_v6{};
    any_v6.sin6_family = AF_INET6;
    any_v6.sin6_addr = in6addr_loopback;
    const auto* address = v4 ? reinterpret_cast<const sockaddr*>(&any_v4)
                             : reinterpret_cast<const sockaddr*>(&any_v6);
    const int listener = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, address, v4 ? sizeof any_v4 : sizeof any_v6) == 0 &&
        listen(listener, 16) == 0)
        return listener;
    close(listener);
    return -1;
}

std::uint16_t port_of(int listener) {
    sockaddr_in6 address{};  // The port stands at the same place in both families.
    socklen_t length = sizeof address;
    if (getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
    return ntohs(address.sin6_port);
}

}  // namespace

ScriptedPeer::ScriptedPeer(std::deque<Reply> replies, Family family)
    : listener_(listen_on(family)), port_(port_of(listener_)), replies_(std::move(replies)) {
    if (listening()) thread_ = std::thread([this] { serve(); });
}

ScriptedPeer::~ScriptedPeer() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        if (client_ >= 0) shutdown(client_, SHUT_RDWR);
    }
    shutdown(listener_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    close(listener_);
}

std::string ScriptedPeer::url(const std::string& target) const {
    return "http://127.0.0.1:" + std::to_string(port_) + target;
}

std::vector<ScriptedPeer::Received> ScriptedPeer::received() const {
    const std::lock_guard lock(mutex_);
    return received_;
}

void ScriptedPeer::serve() {
    for (bool going_on = true; going_on;) {
        const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) return;
        going_on = serve_one(client);
        const std::lock_guard lock(mutex_);
        client_ = -1;
        close(client);
    }
}

bool ScriptedPeer::serve_one(int client) {
    {
        const std::lock_guard lock(mutex_);
        if (ending_) return false;
        client_ = client;
    }
    Received request;
    if (!read_request(client, request)) return true;
    const Reply reply = next_reply();
    {
        const std::lock_guard lock(mutex_);
        received_.push_back(std::move(request));
    }
    send_reply(client, reply);
    return true;
}

bool ScriptedPeer::read_request(int client, Received& request) const {
    std::array<char, 65536> buffer;
    while (whole_length(request.bytes) == 0 || request.bytes.size() < whole_length(request.bytes)) {
        const ssize_t got = recv(client, buffer.data(), buffer.size(), 0);
        if (got <= 0) return false;
        request.bytes.append(buffer.data(), static_cast<std::size_t>(got));
        ++request.receives;
    }
    return true;
}

ScriptedPeer::Reply ScriptedPeer::next_reply() {
    const std::lock_guard lock(mutex_);
    Reply reply = replies_.front();
    if (replies_.size() > 1) replies_.pop_front();
    return reply;
}

void ScriptedPeer::send_reply(int client, const Reply& reply) const {
    if (!send_all(client, reply.bytes)) return;
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    switch (reply.then) {
        case Then::close: return;
        case Then::reset:
            setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            return;
        case Then::half_close: shutdown(client, SHUT_WR); return wait_until_left(client);
        case Then::stay: return wait_until_left(client);
        case Then::trickle: return trickle(client, reply.again);
        case Then::go_on:
            while (send_all(client, reply.again)) {
            }
            return;
    }
}

}  // namespace worker
