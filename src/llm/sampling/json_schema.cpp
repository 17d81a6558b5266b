#include "llm/sampling/json_schema.h"

#include "ffi/call.h"
#include "llm/sampling/grammar.h"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

namespace llm {

using worker::ErrorCode;
using worker::fail;

namespace {

std::string text_at(const boost::json::object& object, std::string_view name) {
    return std::string(object.at(name).as_string());
}

}  // namespace

Result<SchemaReport> check_schema(std::string_view schema, SchemaStrictness strictness) {
    if (schema.size() > grammar_bytes_max) {
        return fail(ErrorCode::invalid_request,
                    fmt::format("a schema may have {} bytes at most (this one has {})",
                                grammar_bytes_max, schema.size()));
    }
    const Result<std::string> answer =
        ffi::call([&](rbee_text* report) { return rbee_schema_check(ffi::view(schema), report); });
    if (!answer) return fail(answer.error());

    const boost::json::value parsed = boost::json::parse(*answer);
    SchemaReport report = {.enforced = text_at(parsed.as_object(), "schema"), .left_out = {}};
    for (const boost::json::value& found : parsed.at("unsupported").as_array()) {
        report.left_out.push_back({.keyword = text_at(found.as_object(), "keyword"),
                                   .path = text_at(found.as_object(), "path")});
    }
    if (strictness == SchemaStrictness::strict && !report.left_out.empty()) {
        const UnsupportedKeyword& first = report.left_out.front();
        return fail(
            ErrorCode::invalid_request,
            fmt::format("the schema's '{}' at {} cannot be enforced", first.keyword, first.path));
    }
    return report;
}

}  // namespace llm
