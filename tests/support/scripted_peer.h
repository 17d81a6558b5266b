// For tests: a hive that does what it is told, on a free port of this machine.
#pragma once

#include <netinet/in.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace worker {

// Takes connections one after the other: reads a request, sends a reply, does one thing more.
class ScriptedPeer {
public:
    enum class Then : std::uint8_t {
        close,
        reset,
        half_close,  // and waits until the client leaves
        stay,        // says nothing more, until the client leaves
        go_on,       // sends `bytes` again and again, until the client leaves
        trickle,     // a byte at a time, with pauses, again and again
    };
    struct Reply {
        std::string bytes;
        Then then = Then::close;
        std::string again = {};  // for `go_on` and `trickle`
    };
    struct Received {
        std::string bytes;
        int receives = 0;  // that it took to read them
    };

    enum class Family : std::uint8_t { ipv4, ipv6 };

    // The last reply stays for all further requests.
    explicit ScriptedPeer(std::deque<Reply> replies, Family family = Family::ipv4);
    ~ScriptedPeer();
    ScriptedPeer(const ScriptedPeer&) = delete;
    ScriptedPeer& operator=(const ScriptedPeer&) = delete;

    // False where this machine has no IPv6.
    bool listening() const { return port_ != 0; }
    std::uint16_t port() const { return port_; }
    std::string url(const std::string& target = "/") const;
    // What came so far.
    std::vector<Received> received() const;

private:
    void serve();
    bool serve_one(int client);
    bool read_request(int client, Received& request) const;
    void send_reply(int client, const Reply& reply) const;
    Reply next_reply();

    int listener_ = -1;
    std::uint16_t port_ = 0;
    mutable std::mutex mutex_;
    std::deque<Reply> replies_;
    std::vector<Received> received_;
    bool ending_ = false;
    int client_ = -1;
    std::thread thread_;
};

}  // namespace worker
