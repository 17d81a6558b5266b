#pragma once

#include "worker/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace llm {

using worker::Result;

enum class SchemaStrictness : std::uint8_t {
    strict,   // what cannot be enforced is refused
    lenient,  // what cannot be enforced is left out, and told
};

struct UnsupportedKeyword {
    std::string keyword;
    std::string path;  // of the schema that it stands in, as a fragment: "#/properties/a"

    bool operator==(const UnsupportedKeyword&) const = default;
};

struct SchemaReport {
    std::string enforced;  // the JSON Schema that replies will follow
    std::vector<UnsupportedKeyword> left_out;
};

// What of a JSON Schema can be enforced on a reply. A keyword that JSON Schema does not know is an
// annotation. Errors: invalid_request for what is no schema, or that nothing satisfies; where
// strict also for a keyword that cannot be enforced, with its path.
Result<SchemaReport> check_schema(std::string_view schema, SchemaStrictness strictness);

}  // namespace llm
