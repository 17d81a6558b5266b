#pragma once

#include "worker/http/message.h"
#include "worker/http/router.h"

#include <tl/expected.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace worker {

// Decides by `Authorization: Bearer` who may call a route. Keeps digests, not tokens. This is the
// one place where secrets are compared, in time that does not depend on them.
// Source: wire contract, section 6. Thread: io.
class BearerAuth {
public:
    enum class Loopback : std::uint8_t { needs_token, trusted };

    // Without tokens everybody is let in, but only from loopback where a route says so.
    BearerAuth(const std::vector<std::string>& tokens, Loopback loopback);

    // The caller, "token:" and the hex of its token's SHA-256; empty for one that is let in without
    // a valid token. Errors: a 401 or 403 in the route's shape.
    tl::expected<std::string, Response> identify(const Request& request, const Route& route) const;

    // From now on these tokens are valid, and no other. None at all change nothing: a file that was
    // emptied must not open the worker to everybody.
    void replace(const std::vector<std::string>& tokens);

private:
    using Digest = std::array<unsigned char, 32>;  // SHA-256

    static Digest digest_of(std::string_view token);
    static std::vector<Digest> digests_of(const std::vector<std::string>& tokens);
    // Empty for a token that is not valid.
    std::string caller_of(std::string_view token) const;
    std::optional<Error> objection(const Request& request, Access access) const;

    const Loopback loopback_;
    std::vector<Digest> digests_;
};

// What a log may say of a caller: not enough to search for its token. Source: wire contract, 6.
inline std::string_view loggable_caller(std::string_view caller) {
    constexpr std::size_t prefix_and_hex = 6 + 6;
    return caller.substr(0, prefix_and_hex);
}

}  // namespace worker
