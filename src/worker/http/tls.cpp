#include "worker/http/tls.h"

#include "worker/base/assert.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <fstream>
#include <system_error>

namespace worker {
namespace {

// The first of what the library says of a failure is the cause. Its queue is empty after that.
std::string first_reason() {
    const char* const reason = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return reason ? reason : "the connection has ended";
}

int clipped(std::size_t bytes) {
    return static_cast<int>(std::min<std::size_t>(bytes, INT_MAX));
}

// Without it the library would ask at the terminal.
int no_passphrase(char*, int, int, void*) {
    return -1;
}

Result<void> check_readable(const std::string& flag, const std::string& path) {
    errno = 0;
    std::ifstream file(path);
    // Opening a folder succeeds; reading it does not.
    if (file && (file.peek(), !file.bad())) return {};
    const std::string reason = std::generic_category().message(errno);
    return fail(ErrorCode::config_invalid, flag + " " + path + ": " + reason);
}

Result<void> use_certificate(SSL_CTX* context, const std::string& path) {
    Result<void> readable = check_readable("--tls-cert", path);
    if (!readable) return readable;
    if (SSL_CTX_use_certificate_chain_file(context, path.c_str()) == 1) return {};
    return fail(
        ErrorCode::config_invalid,
        "--tls-cert " + path + ": must be a certificate chain as PEM (" + first_reason() + ")");
}

Result<void> use_key(SSL_CTX* context, const TlsFiles& files) {
    Result<void> readable = check_readable("--tls-key", files.key);
    if (!readable) return readable;
    const int used = SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM);
    const bool differs = ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_X509;
    const std::string reason = first_reason();
    if (used != 1 && !differs) {
        return fail(ErrorCode::config_invalid,
                    "--tls-key " + files.key +
                        ": must be a private key as PEM without passphrase (" + reason + ")");
    }
    // A key of another kind than the certificate's is noticed only here.
    if (used == 1 && SSL_CTX_check_private_key(context) == 1) return {};
    return fail(ErrorCode::config_invalid, "--tls-key " + files.key +
                                               ": is not the key of the certificate in " +
                                               files.certificate_chain);
}

}  // namespace

void TlsSession::Free::operator()(SSL* session) const {
    SSL_free(session);
}

// Requires: `result` is that of the last call, before which the error queue was empty.
std::optional<Transfer::Wait> TlsSession::awaited(int result) const {
    const int error = SSL_get_error(session_.get(), result);
    if (error == SSL_ERROR_WANT_READ) return Transfer::Wait::readable;
    if (error == SSL_ERROR_WANT_WRITE) return Transfer::Wait::writable;
    return std::nullopt;
}

bool TlsSession::holds_bytes() const {
    return SSL_has_pending(session_.get()) == 1;
}

Result<std::optional<Transfer::Wait>> TlsSession::handshake() {
    ERR_clear_error();
    const int result = SSL_accept(session_.get());
    const auto wait = awaited(result);
    if (result != 1 && !wait) return fail(ErrorCode::bad_request, first_reason());
    return wait;
}

Transfer TlsSession::read(char* to, std::size_t bytes_max) {
    ERR_clear_error();
    const int result = SSL_read(session_.get(), to, clipped(bytes_max));
    if (result > 0) return {.bytes = static_cast<std::size_t>(result)};
    return {.wait = awaited(result)};
}

Transfer TlsSession::write(std::string_view bytes) {
    ERR_clear_error();
    const int result = SSL_write(session_.get(), bytes.data(), clipped(bytes.size()));
    if (result > 0) return {.bytes = static_cast<std::size_t>(result)};
    return {.wait = awaited(result)};
}

std::optional<Transfer::Wait> TlsSession::end_writing() {
    ERR_clear_error();
    const int result = SSL_shutdown(session_.get());
    if (result >= 0) return std::nullopt;  // 0: the client has not said the same yet.
    return awaited(result);
}

void TlsServer::Free::operator()(SSL_CTX* context) const {
    SSL_CTX_free(context);
}

Result<TlsServer> TlsServer::load(const TlsFiles& files) {
    std::signal(SIGPIPE, SIG_IGN);
    TlsServer server(SSL_CTX_new(TLS_server_method()));
    SSL_CTX* const context = server.context_.get();
    WORKER_ASSERT(context);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    // Sessions that clients resume are theirs to keep, as tickets.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    // A connection that waits holds no buffers.
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    ERR_clear_error();
    Result<void> used = use_certificate(context, files.certificate_chain);
    if (used) used = use_key(context, files);
    if (!used) return fail(std::move(used.error()));
    return server;
}

std::unique_ptr<TlsSession> TlsServer::session(int descriptor) const {
    SSL* const session = SSL_new(context_.get());
    WORKER_ASSERT(session);
    WORKER_ASSERT(SSL_set_fd(session, descriptor) == 1);
    return std::unique_ptr<TlsSession>(new TlsSession(session));
}

}  // namespace worker
