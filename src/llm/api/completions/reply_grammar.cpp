#include "llm/api/completions/reply_grammar.h"

#include "llm/sampling/json_schema.h"
#include "llm/text/tool_grammar.h"

#include <algorithm>
#include <utility>

namespace llm {

using Kind = GrammarRequest::Kind;

namespace {

tl::unexpected<OpenAiError> wrong(const worker::Error& error, const std::string& param) {
    return refuse(param, error.message);
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
    const auto strictness = request.strict ? SchemaStrictness::strict : SchemaStrictness::lenient;
    auto report = check_schema(request.text, strictness);
    if (!report) return wrong(report.error(), request.param);
    for (const UnsupportedKeyword& each : report->left_out)
        ignored.push_back({request.param, each.keyword + " at " + each.path +
                                              " cannot be enforced by this worker"});
    return GrammarSpec{GrammarKind::json_schema, std::move(report->enforced)};
}

// Every tool of the request demands that its arguments follow its schema.
bool all_strict(const ChatRequest& request) {
    return std::ranges::all_of(request.tools, [](const boost::json::value& tool) {
        const auto* strict = tool.at("function").get_object().if_contains("strict");
        return strict != nullptr && strict->is_bool() && strict->get_bool();
    });
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
    if (!demanded && prompt.tool_format != ToolFormat::generic && !all_strict(request))
        return std::nullopt;
    std::vector<Tool> tools = tools_of(request);
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
