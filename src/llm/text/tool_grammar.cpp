#include "llm/text/tool_grammar.h"

#include "worker/base/assert.h"
#include "worker/base/json.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace llm {
namespace {

namespace json = boost::json;

struct Terminal {
    std::string_view name;
    std::string_view is;
};

constexpr Terminal terminals[] = {
    {"TEXT", R"(/(.|\n)*/)"},
    {"LINE_BREAKS", R"(/\n{0,3}/)"},
    // No beginning of a call that has no marker.
    {"PLAIN", R"(/(\s*[^{\s](.|\n)*)?/)"},
    {"KEY", R"(/[^<>\n]{1,64}/)"},
    {"CALL_ID", R"(/[a-zA-Z0-9]{9}/)"},
};

// The right side of a rule, whose neighbouring literals are one.
class Sequence {
public:
    explicit Sequence(const ControlTokens& control_tokens) : control_tokens_(control_tokens) {}

    Sequence& text(std::string_view text) {
        const auto token = control_tokens_.find(text);
        if (token == control_tokens_.end()) {
            literal_ += text;
            return *this;
        }
        return part(fmt::format("<[{}]>", token->second));
    }
    Sequence& part(std::string_view part) {
        end_literal();
        if (!parts_.empty()) parts_ += ' ';
        parts_ += part;
        return *this;
    }
    std::string str() {
        end_literal();
        return parts_;
    }

private:
    void end_literal() {
        if (literal_.empty()) return;
        std::string quoted;
        worker::append_json_string(quoted, std::exchange(literal_, {}));
        part(quoted);
    }

    const ControlTokens& control_tokens_;
    std::string parts_;
    std::string literal_;
};

std::string json_rule(json::object schema) {
    if (!schema.contains("x-guidance")) {
        // Whatever space a schema's language allows, models get lost in.
        schema["x-guidance"] = {
            {"whitespace_flexible", false}, {"item_separator", ", ?"}, {"key_separator", ": ?"}};
    }
    return "%json " + json::serialize(schema);
}

std::string arguments_rule(const Tool& tool) {
    json::object schema = tool.parameters.value_or(json::object{});
    if (!schema.contains("type")) schema["type"] = "object";
    return json_rule(std::move(schema));
}

class GrammarWriter {
public:
    GrammarWriter(const ToolGrammar& grammar, const ControlTokens& control_tokens)
        : grammar_(grammar), control_tokens_(control_tokens) {}

    std::string write() {
        write_start();
        if (grammar_.format == ToolFormat::tagged_xml) {
            syntax_ = {
                .call_begin = "<tool_call>", .call_close = "</tool_call>", .separator = "\n"};
            write_xml_bodies();
        } else {
            syntax_ = tool_syntax(grammar_.format);
            write_json_bodies();
        }
        write_reply();
        for (const Terminal& terminal : terminals) {
            const bool used = text_.find(terminal.name) != std::string::npos;
            if (used) rule(terminal.name, terminal.is);
        }
        return std::move(text_);
    }

private:
    void rule(std::string_view name, std::string_view is) {
        text_ += fmt::format("{}: {}\n", name, is);
    }
    Sequence sequence() const { return Sequence(control_tokens_); }
    bool is_control(std::string_view text) const { return control_tokens_.contains(text); }

    void write_start();
    void write_reply();
    void write_optional_reply();
    void write_json_bodies();
    void write_xml_bodies();
    std::string write_parameters(const Tool& tool, const std::string& prefix);
    void write_value(const std::string& name, const json::value& schema, const Tool& tool);
    std::string repeated_call() const;
    std::string listed_calls(std::string_view list_begin) const;

    const ToolGrammar& grammar_;
    const ControlTokens& control_tokens_;
    ToolSyntax syntax_;
    std::string text_;
};

void GrammarWriter::write_start() {
    if (grammar_.reasoning == ReasoningFormat::none) return rule("start", "reply");
    const ReasoningTags& tags = reasoning_tags(grammar_.reasoning);
    const bool optional = grammar_.use == ToolUse::optional;
    const std::string_view then = optional ? "thought reply" : "thought LINE_BREAKS reply";
    if (grammar_.start == ReplyStart::inside) {
        rule("start", then);
    } else if (optional && !is_control(tags.open)) {
        return rule("start", "reply");  // Text covers reasoning whose tag is text.
    } else {
        rule("start", "reply | " + sequence().text(tags.open).part(then).str());
    }
    const bool lazy = !is_control(tags.close);
    rule(lazy ? "thought[lazy]" : "thought", sequence().part("TEXT").text(tags.close).str());
}

// Some models that have begun to call never stop, and their last call is cut.
constexpr int calls_max = 16;

std::string up_to(int times) {
    return fmt::format("{{0,{}}}", times);
}

std::string GrammarWriter::repeated_call() const {
    const bool one = grammar_.calls == CallCount::one || grammar_.format == ToolFormat::bare_json;
    if (one) return "call";
    return "call (" + sequence().text(syntax_.separator).part("call").str() + ")" +
           up_to(calls_max - 1);
}

void GrammarWriter::write_reply() {
    if (grammar_.use == ToolUse::optional) return write_optional_reply();
    rule("call", sequence().text(syntax_.call_begin).part("body").text(syntax_.call_close).str());
    Sequence reply = sequence();
    if (grammar_.format != ToolFormat::bare_json) {
        reply.text(syntax_.section_begin);
    } else if (is_control(syntax_.section_begin)) {
        // Some models of the family write the token, some do not.
        reply.part(sequence().text(syntax_.section_begin).str() + "?");
    }
    rule("reply", reply.part(listed_calls(syntax_.list_begin)).str());
}

// Text up to what begins calls; from there on the reply is bound.
void GrammarWriter::write_optional_reply() {
    const bool in_list = !syntax_.list_begin.empty();
    const bool repeats = !in_list && grammar_.calls == CallCount::many;
    const std::string_view begin =
        syntax_.section_begin.empty() ? syntax_.call_begin : syntax_.section_begin;

    rule("call", sequence().part("body").text(syntax_.call_close).str());
    if (grammar_.format == ToolFormat::bare_json || grammar_.format == ToolFormat::generic) {
        rule("calls", listed_calls(syntax_.list_begin));
        const std::string tag = is_control(begin) ? sequence().text(begin).str() + "? " : "";
        rule("reply", "PLAIN | " + tag + "calls");
    } else if (is_control(begin)) {
        rule("calls", in_list ? listed_calls(syntax_.list_begin) : "call");
        Sequence calls = sequence();
        calls.text(begin).part("calls");
        if (repeats) calls.part("TEXT");
        rule("reply", fmt::format("TEXT ({}){}", calls.str(), repeats ? up_to(calls_max) : "?"));
    } else {
        // The list's beginning too, as the name of a format may well stand in a text.
        rule("text_and_begin[lazy]",
             sequence().part("TEXT").text(begin).text(syntax_.list_begin).str());
        rule("calls", in_list ? listed_calls("") : "call");
        rule("reply", repeats ? "(text_and_begin calls)" + up_to(calls_max) + " TEXT"
                              : "TEXT | text_and_begin calls");
    }
}

// Calls with what separates and ends them.
std::string GrammarWriter::listed_calls(std::string_view list_begin) const {
    Sequence calls = sequence();
    calls.text(list_begin).part(repeated_call()).text(syntax_.list_end);
    const std::string end = sequence().text(syntax_.section_end).str();
    // Not all models of a format write it.
    if (!end.empty()) calls.part("(" + end + ")?");
    return calls.str();
}

void GrammarWriter::write_json_bodies() {
    std::string bodies;
    for (std::size_t i = 0; i < grammar_.tools.size(); ++i) {
        const std::string body = fmt::format("body_{}", i);
        const std::string arguments = fmt::format("arguments_{}", i);
        Sequence is = sequence();
        is.text(std::string(syntax_.name_begin) + grammar_.tools[i].name);
        if (grammar_.format == ToolFormat::mistral_named) {
            is.part("(" + sequence().text("[CALL_ID]").part("CALL_ID").str() + ")?");
        }
        is.text(syntax_.call_middle).part(arguments).text(syntax_.call_end);
        rule(body, is.str());
        rule(arguments, arguments_rule(grammar_.tools[i]));
        bodies += (i == 0 ? "" : " | ") + body;
    }
    rule("body", bodies);
}

void GrammarWriter::write_xml_bodies() {
    std::string bodies;
    for (std::size_t i = 0; i < grammar_.tools.size(); ++i) {
        const Tool& tool = grammar_.tools[i];
        const std::string body = fmt::format("body_{}", i);
        const std::string parameters = write_parameters(tool, fmt::format("value_{}_", i));
        Sequence is = sequence();
        is.text("\n<function=" + tool.name + ">\n");
        if (!parameters.empty()) is.part(parameters);
        rule(body, is.text("</function>\n").str());
        bodies += (i == 0 ? "" : " | ") + body;
    }
    rule("text_value[lazy]", sequence().part("TEXT").text("\n</parameter>\n").str());
    rule("body", bodies);
}

// The parameters in the order of the schema; the required ones have to come.
std::string GrammarWriter::write_parameters(const Tool& tool, const std::string& prefix) {
    const json::value* properties =
        tool.parameters ? tool.parameters->if_contains("properties") : nullptr;
    if (properties == nullptr || !properties->is_object()) {
        return "(" +
               sequence().text("<parameter=").part("KEY").text(">\n").part("text_value").str() +
               ")*";
    }
    const json::value* required = tool.parameters->if_contains("required");
    const auto must_come = [required](const json::value& key) {
        if (required == nullptr || !required->is_array()) return false;
        const json::array& keys = required->get_array();
        return std::find(keys.begin(), keys.end(), key) != keys.end();
    };
    std::string parameters;
    std::size_t count = 0;
    for (const auto& [key, schema] : properties->get_object()) {
        const std::string value = prefix + std::to_string(count++);
        write_value(value, schema, tool);
        const std::string parameter =
            sequence().text("<parameter=" + std::string(key) + ">\n").part(value).str();
        if (!parameters.empty()) parameters += ' ';
        parameters += must_come(json::value(key)) ? parameter : "(" + parameter + ")?";
    }
    return parameters;
}

// Strings stand for themselves there, other values are JSON.
void GrammarWriter::write_value(const std::string& name, const json::value& schema,
                                const Tool& tool) {
    json::object own = schema.is_object() ? schema.get_object() : json::object{};
    const json::value* type = own.if_contains("type");
    const json::value* allowed = own.if_contains("enum");
    if (type != nullptr && type->is_string() && type->get_string() == "string") {
        if (allowed == nullptr || !allowed->is_array()) return rule(name, "text_value");
        std::string choices;
        for (const json::value& choice : allowed->get_array()) {
            if (!choice.is_string()) continue;
            if (!choices.empty()) choices += " | ";
            choices += Sequence(control_tokens_)
                           .text(std::string(choice.get_string()) + "\n</parameter>\n")
                           .str();
        }
        return rule(name, choices.empty() ? "text_value" : choices);
    }
    for (const std::string_view definitions : {"$defs", "definitions"}) {
        const json::value* found = tool.parameters->if_contains(definitions);
        if (found != nullptr && !own.contains(definitions)) own[definitions] = *found;
    }
    rule(name + "_json", json_rule(std::move(own)));
    rule(name, sequence().part(name + "_json").text("\n</parameter>\n").str());
}

}  // namespace

std::string tool_grammar(const ToolGrammar& grammar, const ControlTokens& control_tokens) {
    WORKER_ASSERT(grammar.format != ToolFormat::none && !grammar.tools.empty());
    return GrammarWriter(grammar, control_tokens).write();
}

}  // namespace llm
