#include "worker/http/bearer_auth.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>

namespace worker {
namespace {

constexpr std::size_t authorization_bytes_max = 8192;

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return "";
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// The token of the request's one Authorization field. Errors: missing_api_key, invalid_api_key.
Result<std::string_view> bearer_token(const Fields& fields) {
    constexpr std::string_view scheme = "Bearer ";
    const auto field = fields.find("authorization");
    if (!field)
        return fail(ErrorCode::missing_api_key, "send the header Authorization: Bearer <token>");
    const bool clean = std::none_of(field->begin(), field->end(), [](char c) {
        return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f';
    });
    if (fields.count("authorization") > 1 || field->size() > authorization_bytes_max || !clean ||
        !field->starts_with(scheme))
        return fail(ErrorCode::invalid_api_key, "Authorization must be one Bearer token");
    const std::string_view token = trimmed(field->substr(scheme.size()));
    if (token.empty()) return fail(ErrorCode::missing_api_key, "the Bearer token is empty");
    return token;
}

}  // namespace

BearerAuth::Digest BearerAuth::digest_of(std::string_view token) {
    Digest digest{};
    SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
    return digest;
}

BearerAuth::BearerAuth(const std::vector<std::string>& tokens, Loopback loopback)
    : digests_([&] {
          std::vector<Digest> digests;
          for (const std::string& token : tokens) digests.push_back(digest_of(token));
          return digests;
      }()),
      loopback_(loopback) {}

bool BearerAuth::is_known(std::string_view token) const {
    const Digest digest = digest_of(token);
    bool known = false;
    for (const Digest& each : digests_)
        known |= CRYPTO_memcmp(each.data(), digest.data(), digest.size()) == 0;
    return known;
}

std::optional<Response> BearerAuth::refusal(const Request& request, const Route& route) const {
    if (digests_.empty() || route.access == Access::open) return std::nullopt;
    const bool loopback_is_enough =
        loopback_ == Loopback::trusted || route.access == Access::token_or_loopback;
    if (request.loopback && loopback_is_enough) return std::nullopt;
    const auto token = bearer_token(request.fields);
    if (token && is_known(*token)) return std::nullopt;
    Response response = route.error_shape(
        token ? Error{ErrorCode::invalid_api_key, "the API token is not valid"} : token.error());
    response.fields.emplace_back("www-authenticate", "Bearer");
    return response;
}

}  // namespace worker
