#include "llm/api/completions/reply_grammar.h"

#include "llm/sampling/json_schema.h"
#include "llm/text/tool_grammar.h"
#include "worker/base/json.h"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <utility>

namespace llm {

using Kind = GrammarRequest::Kind;
using worker::IgnoredParameter;
using worker::OpenAiError;
using worker::refuse;

namespace {

tl::unexpected<OpenAiError> wrong(const worker::Error& error, const std::string& param) {
    return refuse(param, error.message);
}

// What of a schema can be enforced; what cannot is told.
tl::expected<std::string, OpenAiError> enforced_schema(std::string_view schema,
                                                       SchemaStrictness strictness,
                                                       const std::string& param,
                                                       std::vector<IgnoredParameter>& ignored) {
    auto report = check_schema(schema, strictness);
    if (!report) return wrong(report.error(), param);
    for (const UnsupportedKeyword& each : report->left_out)
        ignored.push_back(
            {param, each.keyword + " at " + each.path + " cannot be enforced by this worker"});
    return std::move(report->enforced);
}

tl::expected<GrammarSpec, OpenAiError> spec_of(const GrammarRequest& request,
                                               std::vector<IgnoredParameter>& ignored) {
    if (request.kind == Kind::regex) return GrammarSpec{GrammarKind::regex, request.text};
    if (request.kind == Kind::lark) return GrammarSpec{GrammarKind::lark, request.text};
    if (request.kind == Kind::json_object)
        return GrammarSpec{GrammarKind::json_schema, R"({"type":"object"})"};
    if (request.kind == Kind::choice) {
        auto spec = one_of(request.choices);
        if (!spec) return wrong(spec.error(), request.param);
        return std::move(*spec);
    }
    auto schema = enforced_schema(
        request.text, request.strict ? SchemaStrictness::strict : SchemaStrictness::lenient,
        request.param, ignored);
    if (!schema) return tl::make_unexpected(std::move(schema.error()));
    return GrammarSpec{GrammarKind::json_schema, std::move(*schema)};
}

// The tool demands that its arguments follow its schema.
bool is_strict(const boost::json::value& tool) {
    const auto* strict = tool.at("function").get_object().if_contains("strict");
    return strict != nullptr && strict->is_bool() && strict->get_bool();
}

// The tools, with what of their schemas can be enforced.
tl::expected<std::vector<Tool>, OpenAiError> enforced_tools(ChatRequest& request) {
    std::vector<Tool> tools = tools_of(request);
    for (std::size_t i = 0; i < tools.size(); ++i) {
        const bool is_callable = request.tool_choice.kind != ToolChoice::Kind::named ||
                                 tools[i].name == request.tool_choice.name;
        if (!tools[i].parameters || !is_callable) continue;
        const std::string param = "tools[" + std::to_string(i) + "].function.parameters";
        auto enforced = enforced_schema(
            boost::json::serialize(*tools[i].parameters),
            is_strict(request.tools[i]) ? SchemaStrictness::strict : SchemaStrictness::lenient,
            param, request.generation.ignored);
        if (!enforced) return tl::make_unexpected(std::move(enforced.error()));
        tools[i].parameters = worker::parse_json(*enforced).value().get_object();
    }
    return tools;
}

// Markers as control tokens, where the vocabulary has them as such.
ControlTokens control_tokens(ToolFormat tools, const ChatFormat& format) {
    ControlTokens tokens;
    const auto add = [&](std::string_view spelling) {
        if (const auto token = format.control_token(spelling))
            tokens.emplace(std::string(spelling), *token);
    };
    for (const std::string_view marker : tool_markers(tools)) add(marker);
    if (format.reasoning() != ReasoningFormat::none) {
        add(reasoning_tags(format.reasoning()).open);
        add(reasoning_tags(format.reasoning()).close);
    }
    return tokens;
}

}  // namespace

tl::expected<ReplyGrammar, OpenAiError> requested_grammar(const GrammarRequest& request,
                                                          std::vector<IgnoredParameter>& ignored) {
    auto spec = spec_of(request, ignored);
    if (!spec) return tl::make_unexpected(std::move(spec.error()));
    return ReplyGrammar{std::move(*spec), request.param};
}

tl::expected<std::optional<ReplyGrammar>, OpenAiError> chat_grammar(ChatRequest& request,
                                                                    const ChatPrompt& prompt,
                                                                    const ChatFormat& format) {
    if (request.generation.grammar)
        return requested_grammar(*request.generation.grammar, request.generation.ignored);
    if (prompt.tool_format == ToolFormat::none) return std::nullopt;
    const ToolChoice& choice = request.tool_choice;
    const bool demanded = choice.kind != ToolChoice::Kind::automatic;
    if (!demanded && prompt.tool_format != ToolFormat::generic &&
        !std::ranges::all_of(request.tools, is_strict))
        return std::nullopt;
    auto enforced = enforced_tools(request);
    if (!enforced) return tl::make_unexpected(std::move(enforced.error()));
    std::vector<Tool> tools = std::move(*enforced);
    if (choice.kind == ToolChoice::Kind::named)
        std::erase_if(tools, [&](const Tool& tool) { return tool.name != choice.name; });
    const bool one = choice.kind == ToolChoice::Kind::named || !request.parallel_tool_calls;
    const ToolGrammar grammar{.format = prompt.tool_format,
                              .tools = tools,
                              .use = demanded ? ToolUse::required : ToolUse::optional,
                              .calls = one ? CallCount::one : CallCount::many,
                              .reasoning = format.reasoning(),
                              .start = prompt.start};
    return ReplyGrammar{
        {GrammarKind::own_lark, tool_grammar(grammar, control_tokens(prompt.tool_format, format))},
        "tools"};
}

}  // namespace llm
