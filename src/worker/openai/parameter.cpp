#include "worker/openai/parameter.h"

#include "worker/validation/accepted.h"

#include <fmt/format.h>

#include <variant>

namespace worker {

Parameter supported_parameter(FieldRule& rule, const Wording& wording) {
    if (auto* integer = std::get_if<Integer>(&rule.form))
        integer->whole_fractions = WholeFractions::accepted;
    if (auto* integers = std::get_if<IntegerList>(&rule.form))
        integers->item.whole_fractions = WholeFractions::accepted;
    std::string accepted =
        wording.accepted.empty() ? accepted_text(rule.form) : std::string(wording.accepted);
    if (!wording.limit.empty()) accepted += fmt::format(" ({})", wording.limit);
    return {.name = rule.name,
            .support = Support::supported,
            .presence = rule.presence,
            .accepted = std::move(accepted),
            .note = std::string(wording.note)};
}

BodyPlace BodyPlace::inside(std::string_view member) const {
    return {ignored, fmt::format("{}{}.", path, member), fmt::format("{}{}.", told_as, member),
            unknown_keys};
}

BodyPlace BodyPlace::item(std::string_view member, std::size_t index) const {
    return {ignored, fmt::format("{}{}[{}].", path, member, index),
            fmt::format("{}{}[].", told_as, member), unknown_keys};
}

OpenAiError objection(const Violations& violations, std::string_view accepted) {
    const Violation& first = violations.front();
    std::string message = first.message;
    if (first.constraint != "required") message += fmt::format("; accepted: {}", accepted);
    return {.message = std::move(message), .param = first.field};
}

tl::expected<const boost::json::value*, OpenAiError> read_parameter(
    const boost::json::object& object, const Parameter& parameter, const FieldRule& rule,
    const BodyPlace& place) {
    Violations violations;
    const boost::json::value* value = accepted_value(object, rule, violations, place.path);
    if (!violations.empty()) return tl::make_unexpected(objection(violations, parameter.accepted));
    if (!value || parameter.support == Support::supported) return value;
    if (parameter.support == Support::refused) {
        const std::string name = std::string(place.path).append(rule.name);
        return refuse(name, fmt::format("{} is not supported: {}", name, parameter.note));
    }
    place.ignored.add(std::string(place.told_as).append(rule.name), parameter.note);
    return nullptr;
}

}  // namespace worker
