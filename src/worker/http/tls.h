// TLS on the server's side, and the only place that knows which library does it.
#pragma once

#include "worker/base/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace worker {

// Both PEM.
struct TlsFiles {
    std::string certificate_chain = {};  // the server's own first
    std::string key = {};                // without passphrase
};

// What one attempt to move bytes came to: `bytes` of them, or what to wait for, or neither at the
// end of the connection.
struct Transfer {
    enum class Wait : std::uint8_t { readable, writable };

    std::size_t bytes = 0;
    std::optional<Wait> wait = std::nullopt;
};

// One connection's TLS over a socket that never blocks. Thread: one, that of the socket.
class TlsSession {
public:
    // False: bytes have to come before a read can bring any.
    bool holds_bytes() const;

    // What to wait for before the next call; nothing when the handshake is done. Errors:
    // bad_request, with what the library says.
    Result<std::optional<Transfer::Wait>> handshake();

    // Requires: a handshake that is done; so does what follows.
    Transfer read(char* to, std::size_t bytes_max);
    // Requires: after a wait, the same bytes again.
    Transfer write(std::string_view bytes);
    // Tells the client that this is the end, which nobody between us can. What to wait for before
    // the next call; nothing when that is sent, or cannot be.
    std::optional<Transfer::Wait> end_writing();

private:
    friend class TlsServer;
    struct Free {
        void operator()(ssl_st* session) const;
    };
    explicit TlsSession(ssl_st* session) : session_(session) {}

    std::optional<Transfer::Wait> awaited(int result) const;

    std::unique_ptr<ssl_st, Free> session_;
};

// A certificate with its key, ready for use. Thread: io.
class TlsServer {
public:
    // TLS 1.2 and above. From here on the process ignores SIGPIPE, since the library writes to
    // sockets whose clients may have left. Errors: config_invalid, naming file and reason.
    static Result<TlsServer> load(const TlsFiles& files);

    // A session may outlive this. Requires: a descriptor that does not block and outlives it.
    std::unique_ptr<TlsSession> session(int descriptor) const;

private:
    struct Free {
        void operator()(ssl_ctx_st* context) const;
    };
    explicit TlsServer(ssl_ctx_st* context) : context_(context) {}

    std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace worker
