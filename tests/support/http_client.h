// A client that sends exactly the bytes it is told to, for tests of servers.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct ssl_st;

namespace worker {

struct HttpReply {
    int status = 0;
    std::string head;                                         // as received, blank line included
    std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
    std::string body;                                         // chunks joined

    // The first value; empty when absent. `name` in lower case.
    std::string field(std::string_view name) const;
};

// Blocks, for `patience` at most: a call that waits for longer throws, as does every other failure.
class HttpClient {
public:
    // TLS takes any certificate.
    enum class Transport : std::uint8_t { plain, tls };

    explicit HttpClient(std::uint16_t port,
                        std::chrono::milliseconds patience = std::chrono::seconds(20));
    HttpClient(std::uint16_t port, Transport transport);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    void send(std::string_view bytes);
    // As `send`, but a server that stops reading or leaves is no failure.
    void try_send(std::string_view bytes);

    // Everything up to and including `end`; what follows is kept for the next call.
    std::string read_until(std::string_view end);
    // Everything until the server closes; a reset counts as that.
    std::string read_all();
    // One reply, its body delimited as its head says.
    HttpReply read_reply();
    // One reply to HEAD: it has no body, whatever its head says.
    HttpReply read_reply_to_head();

    // The server closes, and sends nothing before that.
    bool closes_without_a_byte();
    // TLS: the end that was read is the server's own.
    bool saw_close_notify() const;
    // TLS: what the server has shown, as DER.
    std::string certificate() const;

    void end_sending();
    void close();
    // Closes with a reset, as a killed program with unread bytes does.
    void reset();

private:
    struct FreeTls {
        void operator()(ssl_st* tls) const;
    };

    bool receive();  // false at the end
    std::string take(std::size_t bytes);
    std::string read_chunks();

    int socket_ = -1;
    std::unique_ptr<ssl_st, FreeTls> tls_;  // null: plain
    std::string received_;
};

// One GET on a connection of its own.
HttpReply http_get(std::uint16_t port, std::string_view path);

}  // namespace worker
