#include "llm/sampling/json_schema.h"

#include "worker/base/json.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace llm {

void PrintTo(const UnsupportedKeyword& found, std::ostream* out) {
    *out << found.keyword << " at " << found.path;
}

namespace {

using worker::ErrorCode;

void check(std::string_view schema, std::string_view enforced,
           const std::vector<UnsupportedKeyword>& left_out = {}) {
    const auto report = check_schema(schema, SchemaStrictness::lenient);
    ASSERT_TRUE(report) << schema << ": " << report.error().message;
    EXPECT_EQ(report->left_out, left_out) << schema;
    EXPECT_EQ(report->enforced, enforced);
    const auto strict = check_schema(schema, SchemaStrictness::strict);
    EXPECT_EQ(strict.has_value(), left_out.empty()) << schema;
}

void check_refused(std::string_view schema, std::string_view message) {
    for (const auto strictness : {SchemaStrictness::strict, SchemaStrictness::lenient}) {
        const auto report = check_schema(schema, strictness);
        ASSERT_FALSE(report) << schema << ": " << report->enforced;
        EXPECT_EQ(report.error().code, ErrorCode::invalid_request);
        EXPECT_NE(report.error().message.find(message), std::string::npos)
            << report.error().message;
    }
}

TEST(JsonSchemaTest, keeps_what_is_enforced_in_its_order) {
    for (const std::string_view schema :
         {R"({"type":"object","properties":{"z":{"type":"integer","minimum":1},"a":{}}})",
          R"({"$defs":{"a":{"type":"null"}},"anyOf":[{"$ref":"#/$defs/a"},{"const":1}]})",
          R"({"type":"string","format":"date","description":"when","x-mine":1})",
          R"({"oneOf":[{"type":"string"},{"type":"integer"}]})",
          R"({"properties":{"not":{"type":"string"},"if":true}})",
          R"({"enum":[{"not":1}],"default":{"if":1}})"}) {
        check(schema, schema);
    }
}

TEST(JsonSchemaTest, takes_out_what_is_not_enforced_and_names_it) {
    check(R"({"not":{"type":"null"},"type":"string"})", R"({"type":"string"})", {{"not", "#"}});
    check(R"({"properties":{"a/b":{"items":{"uniqueItems":true}}}})",
          R"({"properties":{"a/b":{"items":{}}}})", {{"uniqueItems", "#/properties/a~1b/items"}});
    check(R"({"anyOf":[{"type":"string","format":"color"},{"if":{},"then":{}}]})",
          R"({"anyOf":[{"type":"string"},{}]})",
          {{"format", "#/anyOf/0"}, {"if", "#/anyOf/1"}, {"then", "#/anyOf/1"}});
    check(R"({"properties":{"a":{"$ref":"https://example.org/a"}}})", R"({"properties":{"a":{}}})",
          {{"$ref", "#/properties/a"}});
    // Says nothing, so that there is nothing to tell.
    check(R"({"uniqueItems":false,"$dynamicAnchor":"a","type":"array"})", R"({"type":"array"})");
    check(R"({"type":"integer","format":"int64"})", R"({"type":"integer"})");
}

TEST(JsonSchemaTest, finds_the_keyword_that_cannot_be_enforced_here) {
    check(R"({"properties":{"a":{"oneOf":[{"type":"integer"},{"type":"integer","minimum":3}]}}})",
          R"({"properties":{"a":{"anyOf":[{"type":"integer"},{"type":"integer","minimum":3}]}}})",
          {{"oneOf", "#/properties/a"}});
    check(R"x({"properties":{"a":{"type":"string","pattern":"^(?=b)"
}
, "b" : {"type" : "null"}
}
})x",
          R"({"properties":{"a":{"type":"string"},"b":{"type":"null"}}})",
          {{"pattern", "#/properties/a"}});
    check(R"({"properties":{"a":{},"b":{}},"minProperties":2,"maxProperties":3})",
          R"({"properties":{"a":{},"b":{}}})", {{"minProperties", "#"}, {"maxProperties", "#"}});
    check(R"({"$defs":{"a":{"patternProperties":{"^a":{},"^ab":true}}},"$ref":"#/$defs/a"})",
          R"({"$defs":{"a":{}},"$ref":"#/$defs/a"})", {{"patternProperties", "#/$defs/a"}});
}

TEST(JsonSchemaTest, says_where_strictness_fails) {
    const auto report =
        check_schema(R"({"properties":{"a":{"not":{}}}})", SchemaStrictness::strict);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().message, "the schema's 'not' at #/properties/a cannot be enforced");
}

TEST(JsonSchemaTest, refuses_what_is_no_schema_or_nothing_satisfies) {
    check_refused("{", "no JSON");
    check_refused("1", "has to be an object");
    check_refused("false", "has to be an object");
    check_refused(R"({"type":"text"})", "text");
    check_refused(R"({"properties":1})", "properties");
    check_refused(R"({"type":"string","enum":[1]})", "nsatisfiable");
    check_refused(R"({"$ref":"#/$defs/none"})", "none");
}

TEST(JsonSchemaTest, callers_have_no_say_in_how_it_is_enforced) {
    check(R"({"x-guidance":{"lenient":true},"type":"null"})", R"({"type":"null"})");
}

}  // namespace
}  // namespace llm
