#include "worker/openai/ignored_parameters.h"

#include "worker/base/utf8.h"

#include <boost/json/object.hpp>
#include <fmt/format.h>

#include <utility>

namespace worker {
namespace {

// Names come from callers, and may be as long as a body.
constexpr std::size_t name_characters_max = 128;

}  // namespace

void IgnoredParameters::add(std::string_view param, std::string_view reason) {
    const std::string_view name = first_characters(param, name_characters_max);
    if (known_.contains(name)) return;
    if (list_.size() == ignored_max) {
        ++left_out_;
        return;
    }
    known_.emplace(name);
    list_.push_back({.param = std::string(name), .reason = std::string(reason)});
}

std::vector<IgnoredParameter> IgnoredParameters::take() && {
    if (left_out_ > 0)
        list_.push_back({.param = "…", .reason = fmt::format("and {} more", left_out_)});
    return std::move(list_);
}

boost::json::array ignored_json(const std::vector<IgnoredParameter>& ignored) {
    boost::json::array list;
    for (const IgnoredParameter& each : ignored)
        list.push_back(boost::json::object{{"param", each.param}, {"reason", each.reason}});
    return list;
}

std::optional<OpenAiError> strict_objection(const Fields& fields,
                                            const std::vector<IgnoredParameter>& ignored) {
    if (fields.find("x-strict-parameters") != "true" || ignored.empty()) return std::nullopt;
    const IgnoredParameter& first = ignored.front();
    return OpenAiError{
        .message = fmt::format("{} has no effect here ({}), and x-strict-parameters is true: leave "
                               "out one of the two",
                               first.param, first.reason),
        .param = first.param};
}

}  // namespace worker
