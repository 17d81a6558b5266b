#include "worker/http/bearer_auth.h"

#include "worker/http/tokens.h"

#include <fmt/ranges.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <utility>

namespace worker {
namespace {

constexpr std::size_t authorization_bytes_max = 8192;

// The token of the request's one Authorization field. Errors: missing_api_key, invalid_api_key.
Result<std::string_view> bearer_token(const Fields& fields) {
    constexpr std::string_view scheme = "Bearer ";
    const auto field = fields.find("authorization");
    if (!field)
        return fail(ErrorCode::missing_api_key, "send the header Authorization: Bearer <token>");
    const bool clean = std::none_of(field->begin(), field->end(), [](char c) {
        return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f';
    });
    if (trim(*field) == "Bearer")
        return fail(ErrorCode::missing_api_key, "the Bearer token is empty");
    if (fields.count("authorization") > 1 || field->size() > authorization_bytes_max || !clean ||
        !field->starts_with(scheme))
        return fail(ErrorCode::invalid_api_key, "Authorization must be one Bearer token");
    return trim(field->substr(scheme.size()));
}

}  // namespace

BearerAuth::Digest BearerAuth::digest_of(std::string_view token) {
    Digest digest{};
    SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
    return digest;
}

std::vector<BearerAuth::Digest> BearerAuth::digests_of(const std::vector<std::string>& tokens) {
    std::vector<Digest> digests;
    for (const std::string& token : tokens) digests.push_back(digest_of(token));
    return digests;
}

BearerAuth::BearerAuth(const std::vector<std::string>& tokens, Loopback loopback)
    : loopback_(loopback), digests_(digests_of(tokens)) {}

void BearerAuth::replace(const std::vector<std::string>& tokens) {
    if (!tokens.empty()) digests_ = digests_of(tokens);
}

std::string BearerAuth::caller_of(std::string_view token) const {
    const Digest digest = digest_of(token);
    bool known = false;
    for (const Digest& each : digests_)
        known |= CRYPTO_memcmp(each.data(), digest.data(), digest.size()) == 0;
    return known ? fmt::format("token:{:02x}", fmt::join(digest, "")) : "";
}

// Why a request that shows no valid token is turned away.
std::optional<Error> BearerAuth::objection(const Request& request, Access access) const {
    if (access == Access::open) return std::nullopt;
    const bool local_route = access == Access::token_or_loopback;
    if (request.loopback && (loopback_ == Loopback::trusted || local_route)) return std::nullopt;
    if (!digests_.empty()) return Error{ErrorCode::invalid_api_key, "the API token is not valid"};
    if (!local_route) return std::nullopt;
    return Error{ErrorCode::forbidden,
                 "without a token only this machine itself may ask for this: call 127.0.0.1 from "
                 "there, or start the worker with --api-token-file"};
}

tl::expected<std::string, Response> BearerAuth::identify(const Request& request,
                                                         const Route& route) const {
    const Result<std::string_view> token = bearer_token(request.fields);
    std::string caller = token ? caller_of(*token) : "";
    if (!caller.empty()) return caller;
    std::optional<Error> error = objection(request, route.access);
    if (!error) return "";
    const bool about_token = error->code == ErrorCode::invalid_api_key;
    if (about_token && !token) error = token.error();
    Response response = route.error_shape(*error);
    if (about_token) response.fields.emplace_back("www-authenticate", "Bearer");
    return tl::make_unexpected(std::move(response));
}

}  // namespace worker
