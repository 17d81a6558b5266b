#include "llm/api/openai/grammar_request.h"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace llm {

using worker::BodyPlace;
using worker::Checked;
using worker::IgnoredParameters;
using worker::OpenAiError;
using worker::refuse;
using worker::reported;
using worker::required;
using worker::Rows;
using worker::supported;

namespace {

using Kind = GrammarRequest::Kind;
using MaybeGrammar = tl::expected<std::optional<GrammarRequest>, OpenAiError>;

bool is_name(std::string_view text) {
    const auto in_name = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; };
    return !text.empty() && std::ranges::all_of(text, in_name);
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r";
    const std::size_t begin = std::min(text.find_first_not_of(blanks), text.size());
    text.remove_prefix(begin);
    return text.substr(0, text.find_last_not_of(blanks) + 1);
}

// A line is a rule of GBNF: `root ::= …`. Lark's are `root: …`, and may have ::= in their texts.
bool is_gbnf(std::string_view grammar) {
    while (!grammar.empty()) {
        const std::string_view line = grammar.substr(0, grammar.find('\n'));
        const std::size_t defined = line.find("::=");
        if (defined != std::string_view::npos && is_name(trimmed(line.substr(0, defined))))
            return true;
        grammar.remove_prefix(std::min(line.size() + 1, grammar.size()));
    }
    return false;
}

MaybeGrammar read_schema_format(const boost::json::object& format, const BodyPlace& place) {
    SchemaFormatDraft draft;
    Checked read = read_object(format, schema_format_rows(), place, draft);
    if (!read) return tl::make_unexpected(std::move(read.error()));
    return GrammarRequest{.kind = Kind::json_schema,
                          .text = boost::json::serialize(*draft.schema),
                          .strict = draft.strict,
                          .param = "response_format.json_schema.schema"};
}

MaybeGrammar read_response_format(const boost::json::object& format, IgnoredParameters& ignored) {
    const BodyPlace place = BodyPlace{ignored}.inside("response_format");
    ResponseFormatDraft draft;
    Checked read = read_object(format, response_format_rows(), place, draft);
    if (!read) return tl::make_unexpected(std::move(read.error()));
    if (draft.type == "json_schema") {
        if (draft.json_schema)
            return read_schema_format(*draft.json_schema, place.inside("json_schema"));
        return refuse("response_format.json_schema",
                      "response_format.json_schema is required with the type json_schema");
    }
    if (draft.json_schema)
        ignored.add("response_format.json_schema", "it is for the type json_schema only");
    if (draft.type == "text") return std::nullopt;
    return GrammarRequest{.kind = Kind::json_object, .param = "response_format"};
}

}  // namespace

Rows<ResponseFormatDraft> response_format_rows() {
    using D = ResponseFormatDraft;
    return {
        required<D>("type", &D::type, {.words = {"text", "json_object", "json_schema"}},
                    {.note = "the reply always parses, and follows the schema"}),
        supported<D>("json_schema", &D::json_schema, {}, {.note = "with the type json_schema"}),
    };
}

Rows<SchemaFormatDraft> schema_format_rows() {
    using D = SchemaFormatDraft;
    return {
        required<D>("name", &D::name,
                    {.non_empty = true, .bytes_max = 64, .alphabet = "A-Za-z0-9_-"}),
        required<D>("schema", &D::schema),
        supported<D>(
            "strict", &D::strict, {},
            {.note = "a keyword that cannot be enforced is an error; else it is reported"}),
        reported<D>("description", "the model is not shown it; say it in a message"),
    };
}

MaybeGrammar read_grammar(const GrammarDraft& draft, IgnoredParameters& ignored) {
    std::vector<GrammarRequest> found;
    if (draft.response_format) {
        auto format = read_response_format(*draft.response_format, ignored);
        if (!format) return tl::make_unexpected(std::move(format.error()));
        if (*format) found.push_back(std::move(**format));
    }
    if (draft.lark) {
        if (is_gbnf(*draft.lark))
            return refuse("grammar", "grammar is GBNF: use Lark, regex or json_schema");
        found.push_back({.kind = Kind::lark, .text = *draft.lark, .param = "grammar"});
    }
    if (draft.regex) found.push_back({.kind = Kind::regex, .text = *draft.regex, .param = "regex"});
    if (draft.json_schema) {
        found.push_back({.kind = Kind::json_schema,
                         .text = boost::json::serialize(*draft.json_schema),
                         .param = "json_schema"});
    }
    if (!draft.choice.empty())
        found.push_back({.kind = Kind::choice, .choices = draft.choice, .param = "choice"});

    if (found.empty()) return std::nullopt;
    if (found.size() == 1) return std::move(found.front());
    return refuse(found[1].param,
                  fmt::format("{} and {} cannot be followed together: send one of response_format, "
                              "grammar, regex, json_schema and choice",
                              found[0].param, found[1].param));
}

}  // namespace llm
