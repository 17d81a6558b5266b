#include "worker/http/router.h"

#include "worker/base/assert.h"
#include "worker/http/request_target.h"

#include <algorithm>
#include <optional>
#include <set>

namespace worker {
namespace {

// "/v1/jobs" → "v1", "jobs". Requires: `path` begins with '/'.
std::vector<std::string> split(std::string_view path) {
    std::vector<std::string> segments;
    while (!path.empty()) {
        path.remove_prefix(1);
        segments.emplace_back(path.substr(0, path.find('/')));
        path.remove_prefix(segments.back().size());
    }
    return segments;
}

// Split first: an encoded slash is a character of its segment, never a separator.
std::optional<std::vector<std::string>> decoded_segments(std::string_view path) {
    std::vector<std::string> segments = split(path);
    for (std::string& segment : segments) {
        std::optional<std::string> decoded = percent_decode(segment);
        if (!decoded) return std::nullopt;
        segment = std::move(*decoded);
    }
    return segments;
}

bool is_param(std::string_view segment) {
    return segment.starts_with('{') && segment.ends_with('}');
}

bool fits(const std::string& pattern, const std::string& segment) {
    return is_param(pattern) ? !segment.empty() : pattern == segment;
}

bool fits(const std::vector<std::string>& pattern, const std::vector<std::string>& segments) {
    return std::equal(pattern.begin(), pattern.end(), segments.begin(), segments.end(),
                      [](const auto& p, const auto& s) { return fits(p, s); });
}

std::map<std::string, std::string> params_of(const std::vector<std::string>& pattern,
                                             const std::vector<std::string>& segments) {
    std::map<std::string, std::string> params;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (is_param(pattern[i])) params[pattern[i].substr(1, pattern[i].size() - 2)] = segments[i];
    }
    return params;
}

std::string join(const std::set<std::string>& words) {
    std::string joined;
    for (const std::string& word : words) joined += (joined.empty() ? "" : ", ") + word;
    return joined;
}

}  // namespace

void Router::add(Route route) {
    WORKER_ASSERT(route.pattern.starts_with('/'));
    WORKER_ASSERT(route.handler);
    std::vector<std::string> segments = split(route.pattern);
    entries_.push_back({std::move(route), std::move(segments)});
}

std::vector<const Router::Entry*> Router::entries_at(std::string_view path) const {
    std::vector<const Entry*> entries;
    const std::optional<std::vector<std::string>> segments = decoded_segments(path);
    for (const Entry& entry : entries_) {
        if (segments && fits(entry.segments, *segments)) entries.push_back(&entry);
    }
    return entries;
}

Result<RouteMatch> Router::find(std::string_view method, std::string_view path) const {
    const std::optional<std::vector<std::string>> segments = decoded_segments(path);
    if (!segments) {
        return fail(ErrorCode::bad_request,
                    "the path must be UTF-8 with valid percent-escapes and no control characters");
    }
    const std::string_view served = method == "HEAD" ? "GET" : method;
    bool path_known = false;
    for (const Entry& entry : entries_) {
        if (!fits(entry.segments, *segments)) continue;
        path_known = true;
        if (entry.route.method != served) continue;
        return RouteMatch{&entry.route, params_of(entry.segments, *segments)};
    }
    if (!path_known) return fail(ErrorCode::not_found, "there is nothing at this path");
    return fail(ErrorCode::method_not_allowed, "this path does not take this method");
}

std::string Router::methods(std::string_view path) const {
    std::set<std::string> methods;
    for (const Entry* entry : entries_at(path)) {
        methods.insert(entry->route.method);
        if (entry->route.method == "GET") methods.insert("HEAD");
    }
    return join(methods);
}

Response Router::refusal(const Error& error, std::string_view path) const {
    const std::vector<const Entry*> entries = entries_at(path);
    Response response =
        entries.empty() ? error_response(error) : entries.front()->route.error_shape(error);
    if (error.code == ErrorCode::method_not_allowed) {
        response.fields.emplace_back("allow", methods(path));
    }
    return response;
}

}  // namespace worker
