#include "worker/http/cors.h"

#include "worker/http/tokens.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace worker {
namespace {

// No browser but one keeps an answer for longer. An origin that is removed from the list is refused
// at once all the same: replies lack the field then.
constexpr std::string_view preflight_seconds_max = "7200";

constexpr std::array<std::string_view, 9> request_fields = {
    "authorization", "content-type",        "x-correlation-id",
    "x-deadline",    "x-request-id",        "traceparent",
    "last-event-id", "x-strict-parameters", "x-gateway-inference-fairness-id"};

// OpenAI's SDKs say in such fields what they run on.
constexpr std::string_view sdk_field_prefix = "x-stainless-";

bool is_listed(const Fields& request, const std::vector<std::string>& origins) {
    if (request.count("origin") != 1) return false;
    return std::find(origins.begin(), origins.end(), *request.find("origin")) != origins.end();
}

bool may_be_sent(std::string_view name) {
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
        return c == '-' || is_digit(c) || (c >= 'a' && c <= 'z');
    });
    return plain &&
           (name.starts_with(sdk_field_prefix) ||
            std::find(request_fields.begin(), request_fields.end(), name) != request_fields.end());
}

// Those of the names asked for that may be sent.
std::string allowed_of(std::string_view names) {
    std::string allowed;
    while (!names.empty()) {
        const std::size_t end = std::min(names.find(','), names.size());
        std::string name(trim(names.substr(0, end)));
        names.remove_prefix(std::min(end + 1, names.size()));
        std::transform(name.begin(), name.end(), name.begin(), to_lower_ascii);
        if (may_be_sent(name)) allowed += (allowed.empty() ? "" : ", ") + name;
    }
    return allowed;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> cors_fields(
    const Fields& request, const std::vector<std::string>& origins) {
    if (origins.empty()) return {};
    // Also where the origin is not listed: a cache must not serve one origin with another's reply.
    std::vector<std::pair<std::string, std::string>> fields = {{"vary", "origin"}};
    if (is_listed(request, origins)) {
        fields.emplace_back("access-control-allow-origin", *request.find("origin"));
        fields.emplace_back("access-control-expose-headers",
                            "x-correlation-id, x-request-id, retry-after");
    }
    return fields;
}

bool is_preflight(const RequestHead& head, const std::vector<std::string>& origins) {
    return head.method == "OPTIONS" && is_listed(head.fields, origins) &&
           head.fields.count("access-control-request-method") == 1;
}

Response preflight_response(const Fields& request, std::string methods) {
    Response response{.status = 204};
    response.fields.emplace_back("access-control-allow-methods", std::move(methods));
    std::string names = allowed_of(request.find("access-control-request-headers").value_or(""));
    if (!names.empty()) {
        response.fields.emplace_back("access-control-allow-headers", std::move(names));
    }
    response.fields.emplace_back("access-control-max-age", preflight_seconds_max);
    return response;
}

}  // namespace worker
