#include "worker/validation/violation.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace worker {

int http_status(const Violations& violations) {
    const bool any_shape = std::ranges::any_of(
        violations, [](const Violation& v) { return v.kind == ViolationKind::shape; });
    return any_shape ? 422 : 400;
}

std::string violations_body(const Violations& violations) {
    boost::json::array errors;
    for (const Violation& violation : violations) {
        boost::json::object error = {{"field", violation.field},
                                     {"constraint", violation.constraint},
                                     {"message", violation.message}};
        if (violation.value) error["value"] = *violation.value;
        errors.push_back(std::move(error));
    }
    return boost::json::serialize(boost::json::object{{"errors", std::move(errors)}});
}

}  // namespace worker
