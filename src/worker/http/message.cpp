#include "worker/http/message.h"

#include "worker/contract/error_body.h"
#include "worker/http/request_target.h"

#include <algorithm>

namespace worker {

std::optional<std::string_view> Fields::find(std::string_view name) const {
    for (const auto& [field_name, value] : fields_) {
        if (field_name == name) return value;
    }
    return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const {
    return std::count_if(fields_.begin(), fields_.end(),
                         [&](const auto& field) { return field.first == name; });
}

// Source: URL Standard, 5.1, "application/x-www-form-urlencoded parsing".
std::optional<std::string> Request::query_value(std::string_view name) const {
    std::string_view rest = query;
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        if (percent_decode(pair.substr(0, equals)) != name) continue;
        std::string value(pair.substr(std::min(equals + 1, pair.size())));
        std::replace(value.begin(), value.end(), '+', ' ');
        return percent_decode(value);
    }
    return std::nullopt;
}

Response error_response(const Error& error) {
    const bool about_token =
        error.code == ErrorCode::missing_api_key || error.code == ErrorCode::invalid_api_key;
    Response response{.status = traits(error.code).http_status,
                      .body = about_token ? api_key_error_body(error) : error_body(error)};
    if (error.retry_after) {
        response.fields.emplace_back("retry-after", std::to_string(error.retry_after->count()));
    }
    return response;
}

}  // namespace worker
