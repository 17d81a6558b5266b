#include "worker/validation/rules.h"

namespace worker {

const boost::json::value* accepted_value(const boost::json::object& body, const FieldRule& rule,
                                         Violations& violations) {
    const boost::json::value* value = body.if_contains(rule.name);
    if (value && !value->is_null()) {
        return check(*value, rule.form, rule.name, violations) ? value : nullptr;
    }
    if (rule.presence == Presence::required) {
        violations.push_back({.kind = ViolationKind::shape,
                              .field = std::string(rule.name),
                              .constraint = "required",
                              .message = std::string(rule.name) + " is required"});
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
