#pragma once

#include "llm/api/openai/generation_request.h"
#include "worker/openai/parameter.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <vector>

namespace llm {

// The ways to say what a reply has to follow, of which a request takes one.
struct GrammarDraft {
    const boost::json::object* response_format = nullptr;
    const boost::json::object* json_schema = nullptr;
    std::optional<std::string> regex;
    std::vector<std::string> choice;
    std::optional<std::string> lark;
};

struct ResponseFormatDraft {
    std::string type;
    const boost::json::object* json_schema = nullptr;
};
struct SchemaFormatDraft {
    std::string name;
    const boost::json::object* schema = nullptr;
    bool strict = false;
};

worker::Rows<ResponseFormatDraft> response_format_rows();
worker::Rows<SchemaFormatDraft> schema_format_rows();

// Nothing where any text will do.
tl::expected<std::optional<GrammarRequest>, worker::OpenAiError> read_grammar(
    const GrammarDraft& draft, worker::IgnoredParameters& ignored);

}  // namespace llm
