#include "worker/validation/rules.h"

namespace worker {

const boost::json::value* accepted_value(const boost::json::object& body, const FieldRule& rule,
                                         Violations& violations, std::string_view path) {
    const std::string field = std::string(path).append(rule.name);
    const boost::json::value* value = body.if_contains(rule.name);
    if (value && !value->is_null()) {
        return check(*value, rule.form, field, violations) ? value : nullptr;
    }
    if (rule.presence == Presence::required) {
        violations.push_back({.kind = ViolationKind::shape,
                              .field = field,
                              .constraint = "required",
                              .message = field + " is required"});
    }
    return nullptr;
}

Violation not_an_object() {
    return {.kind = ViolationKind::shape,
            .field = "body",
            .constraint = "type(object)",
            .message = "body must be an object"};
}

}  // namespace worker
