#include "tests/support/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace worker {
namespace {

void check(bool ok, const char* what) {
    if (!ok) throw std::system_error(errno, std::generic_category(), what);
}

timeval to_timeval(std::chrono::milliseconds duration) {
    return {.tv_sec = duration.count() / 1000, .tv_usec = duration.count() % 1000 * 1000};
}

HttpReply parse_head(std::string head) {
    HttpReply reply{.head = std::move(head), .fields = {}, .body = {}};
    std::size_t line_begin = 0;
    while (line_begin < reply.head.size()) {
        const std::size_t line_end = reply.head.find("\r\n", line_begin);
        const std::string line = reply.head.substr(line_begin, line_end - line_begin);
        const std::size_t colon = line.find(": ");
        if (line_begin == 0) reply.status = std::stoi(line.substr(line.find(' ')));
        if (line_begin != 0 && colon != line.npos) {
            std::string name = line.substr(0, colon);
            for (char& c : name) c = static_cast<char>(std::tolower(c));
            reply.fields.emplace_back(std::move(name), line.substr(colon + 2));
        }
        line_begin = line_end + 2;
    }
    return reply;
}

}  // namespace

std::string HttpReply::field(std::string_view name) const {
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [&](const auto& field) { return field.first == name; });
    return found == fields.end() ? "" : found->second;
}

HttpClient::HttpClient(std::uint16_t port, std::chrono::milliseconds patience)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    check(socket_ >= 0, "socket");
    const timeval timeout = to_timeval(patience);
    const int on = 1;
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int connected =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (connected != 0) {
        const int reason = errno;
        close();
        errno = reason;
    }
    check(connected == 0, "connect");
}

HttpClient::HttpClient(std::uint16_t port, Transport transport) : HttpClient(port) {
    if (transport == Transport::plain) return;
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
        SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    tls_.reset(SSL_new(context.get()));
    SSL_set_fd(tls_.get(), socket_);
    if (SSL_connect(tls_.get()) != 1) throw std::runtime_error("no TLS came about");
}

void HttpClient::FreeTls::operator()(SSL* tls) const {
    SSL_free(tls);
}

HttpClient::~HttpClient() {
    close();
}

void HttpClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent =
            tls_ ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                 : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        check(sent > 0, "send");
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void HttpClient::try_send(std::string_view bytes) {
    try {
        send(bytes);
    } catch (const std::system_error&) {
        // The caller goes on to read what the server had to say.
    }
}

std::string HttpClient::read_until(std::string_view end) {
    for (;;) {
        const std::size_t at = received_.find(end);
        if (at != received_.npos) return take(at + end.size());
        if (!receive()) throw std::runtime_error("the server closed after: " + received_);
    }
}

std::string HttpClient::read_all() {
    while (receive()) {
    }
    return take(received_.size());
}

HttpReply HttpClient::read_reply_to_head() {
    return parse_head(read_until("\r\n\r\n"));
}

HttpReply HttpClient::read_reply() {
    HttpReply reply = read_reply_to_head();
    const std::string length = reply.field("content-length");
    const bool bodiless = reply.status / 100 == 1 || reply.status == 204 || reply.status == 304;
    if (bodiless) return reply;
    if (reply.field("transfer-encoding") == "chunked") {
        reply.body = read_chunks();
    } else if (!length.empty()) {
        while (received_.size() < std::stoul(length)) {
            if (!receive()) throw std::runtime_error("the server closed within a body");
        }
        reply.body = take(std::stoul(length));
    } else {
        reply.body = read_all();
    }
    return reply;
}

bool HttpClient::closes_without_a_byte() {
    return received_.empty() && !receive();
}

bool HttpClient::saw_close_notify() const {
    return (SSL_get_shutdown(tls_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

std::string HttpClient::certificate() const {
    unsigned char* der = nullptr;
    const int bytes = i2d_X509(SSL_get0_peer_certificate(tls_.get()), &der);
    std::string copy(der, der + bytes);
    OPENSSL_free(der);
    return copy;
}

void HttpClient::end_sending() {
    if (tls_) SSL_shutdown(tls_.get());
    ::shutdown(socket_, SHUT_WR);
}

void HttpClient::close() {
    if (tls_ && socket_ >= 0) SSL_shutdown(tls_.get());
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
}

void HttpClient::reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

bool HttpClient::receive() {
    std::array<char, 65536> buffer;
    if (tls_) {
        const int got = SSL_read(tls_.get(), buffer.data(), static_cast<int>(buffer.size()));
        if (got > 0) received_.append(buffer.data(), static_cast<std::size_t>(got));
        return got > 0;
    }
    const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == ECONNRESET) return false;
    check(got >= 0, "recv");
    received_.append(buffer.data(), static_cast<std::size_t>(got));
    return got > 0;
}

std::string HttpClient::take(std::size_t bytes) {
    std::string taken = received_.substr(0, bytes);
    received_.erase(0, bytes);
    return taken;
}

std::string HttpClient::read_chunks() {
    std::string body;
    for (;;) {
        const std::size_t size = std::stoul(read_until("\r\n"), nullptr, 16);
        while (received_.size() < size + 2) {
            if (!receive()) throw std::runtime_error("the server closed within a chunk");
        }
        body += take(size);
        take(2);
        if (size == 0) return body;
    }
}

HttpReply http_get(std::uint16_t port, std::string_view path) {
    HttpClient client(port);
    client.send("GET " + std::string(path) +
                " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    return client.read_reply();
}

}  // namespace worker
