#pragma once

#include "worker/http/message.h"
#include "worker/http/router.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace worker {

// Decides by `Authorization: Bearer` who may call a route. Keeps digests, not tokens. This is the
// one place where secrets are compared, in time that does not depend on them.
// Source: wire contract, section 6.
class BearerAuth {
public:
    enum class Loopback : std::uint8_t { needs_token, trusted };

    // Without tokens everybody is let in.
    BearerAuth(const std::vector<std::string>& tokens, Loopback loopback);

    // A 401 in the route's shape; nothing lets the request in. Thread: io.
    std::optional<Response> refusal(const Request& request, const Route& route) const;

private:
    using Digest = std::array<unsigned char, 32>;  // SHA-256

    static Digest digest_of(std::string_view token);
    bool is_known(std::string_view token) const;

    const std::vector<Digest> digests_;
    const Loopback loopback_;
};

}  // namespace worker
