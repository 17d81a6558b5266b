#include "llm/text/tool_call_parser.h"

#include <utility>

namespace llm {
namespace {

constexpr std::string_view wrapper_begin = "{\"tool_calls\":[";
constexpr std::string_view function_begin = "<function=";
// Of name[CALL_ID]id[ARGS]: what is longer is text.
constexpr std::size_t header_bytes_max = 512;

bool is_bare(ToolFormat format) {
    return format == ToolFormat::bare_json || format == ToolFormat::generic;
}

bool inside_wrapper_key(std::size_t length) {
    return length > wrapper_begin.find('"') && length <= wrapper_begin.rfind('"');
}

std::string_view without_space_at_end(std::string_view text) {
    while (!text.empty() && is_json_space(text.back())) text.remove_suffix(1);
    return text;
}

// The name in "name", "name[ARGS]" or "name[CALL_ID]id[ARGS]"; empty for anything else.
std::string_view name_in_header(std::string_view header) {
    header = without_space_at_end(header);
    const std::size_t end = header.find('[');
    if (end == std::string_view::npos) return header;
    const std::string_view rest = header.substr(end);
    const bool known =
        rest == "[ARGS]" || (rest.starts_with("[CALL_ID]") && rest.ends_with("[ARGS]"));
    return known ? without_space_at_end(header.substr(0, end)) : std::string_view();
}

}  // namespace

std::vector<ToolCallParser::Watch> ToolCallParser::watches_of(ToolFormat format) {
    switch (format) {
        case ToolFormat::none: return {};
        case ToolFormat::generic: return {{"}", Marker::end}};
        case ToolFormat::tagged_xml:
            return {{"<tool_call>", Marker::begin},
                    {"</tool_call>", Marker::end},
                    {std::string(function_begin), Marker::function}};
        default: break;
    }
    const ToolSyntax& syntax = tool_syntax(format);
    std::vector<Watch> watches;
    for (const std::string_view begin : {syntax.section_begin, syntax.call_begin}) {
        if (!begin.empty()) watches.push_back({std::string(begin), Marker::begin});
    }
    for (const std::string_view end : {syntax.call_close, syntax.section_end}) {
        if (!end.empty()) watches.push_back({std::string(end), Marker::end});
    }
    return watches;
}

ToolCallParser::ToolCallParser(ToolFormat format, std::span<const Tool> tools)
    : format_(format),
      tools_(tools),
      watches_(watches_of(format)),
      search_(markers()),
      state_(is_bare(format) ? State::leading : State::text),
      call_(JsonCall(tools)) {}

StopStrings ToolCallParser::markers() const {
    std::vector<std::string> texts;
    for (const Watch& watch : watches_) texts.push_back(watch.text);
    return StopStrings(std::move(texts));
}

void ToolCallParser::push(std::string_view text, std::vector<ReplyDelta>& out) {
    out_ = &out;
    if (format_ == ToolFormat::none) {
        add_content(text);
        return;
    }
    for (const char byte : text) push_byte(byte);
    if (state_ == State::call) report_call();
}

void ToolCallParser::finish(std::vector<ReplyDelta>& out) {
    out_ = &out;
    if (state_ == State::call && reported_) {
        if (auto* call = std::get_if<XmlCall>(&call_)) call->finish();
        report_call();
        return;
    }
    if (state_ == State::leading) leave_leading();
    if (!after_call_) add_content(spaces_);
    add_content(held_);
    add_content(search_.flush());
}

void ToolCallParser::push_byte(char byte) {
    switch (state_) {
        case State::text: push_text(byte); return;
        case State::leading: push_leading(byte); return;
        case State::wrapper: push_wrapper(byte); return;
        case State::marked: push_marked(byte); return;
        case State::header: push_header(byte); return;
        case State::function: push_function(byte); return;
        case State::call: push_call(byte); return;
        case State::between: push_between(byte); return;
    }
}

void ToolCallParser::push_text(char byte) {
    const StopStrings::Output output = search_.push(std::string_view(&byte, 1));
    for (const char safe : output.text) {
        if (is_json_space(safe)) {
            spaces_ += safe;
            continue;
        }
        if (!std::exchange(after_call_, false)) add_content(spaces_);
        spaces_.clear();
        end_pending_ = false;
        add_content(std::string_view(&safe, 1));
    }
    if (!output.matched) return;
    const Watch& watch = watches_[*output.matched];
    search_ = markers();
    found(watch);
}

void ToolCallParser::found(const Watch& watch) {
    if (watch.marker == Marker::end) {
        if (std::exchange(end_pending_, false)) return;
        if (!std::exchange(after_call_, false)) add_content(spaces_);
        spaces_.clear();
        add_content(watch.text);
        return;
    }
    held_ = std::exchange(spaces_, {}) + watch.text;
    if (watch.marker == Marker::function) {
        begin_call(XmlCall(tools_));
    } else if (format_ == ToolFormat::tagged_xml) {
        header_.clear();
        state_ = State::function;
    } else {
        state_ = State::marked;
    }
}

void ToolCallParser::push_leading(char byte) {
    const bool separates = after_call_ && byte == ';';
    if (is_json_space(byte) || separates) {
        held_ += byte;
    } else if (byte != '{') {
        leave_leading();
        push_byte(byte);
    } else if (format_ == ToolFormat::generic) {
        header_.clear();
        state_ = State::wrapper;
        push_wrapper(byte);
    } else {
        begin_call(JsonCall(tools_));
        push_call(byte);
    }
}

void ToolCallParser::leave_leading() {
    state_ = State::text;
    for (const char byte : std::exchange(held_, {})) push_text(byte);
}

void ToolCallParser::push_wrapper(char byte) {
    if (is_json_space(byte) && !inside_wrapper_key(header_.size())) {
        held_ += byte;
        return;
    }
    if (byte != wrapper_begin[header_.size()]) {
        give_up(byte);
        return;
    }
    held_ += byte;
    header_ += byte;
    if (header_ != wrapper_begin) return;
    in_list_ = true;
    begin_call(JsonCall(tools_));
}

void ToolCallParser::push_marked(char byte) {
    if (is_json_space(byte)) {
        held_ += byte;
    } else if (byte == '[') {
        held_ += byte;
        in_list_ = true;
        begin_call(JsonCall(tools_));
    } else if (byte == '{') {
        begin_call(JsonCall(tools_));
        push_call(byte);
    } else if (format_ == ToolFormat::mistral_list || format_ == ToolFormat::mistral_named) {
        header_.clear();
        state_ = State::header;
        push_header(byte);
    } else {
        give_up(byte);
    }
}

void ToolCallParser::push_header(char byte) {
    if (byte == '{') {
        begin_named_call(byte);
    } else if (byte == '\n' || header_.size() == header_bytes_max) {
        give_up(byte);
    } else {
        held_ += byte;
        header_ += byte;
    }
}

void ToolCallParser::begin_named_call(char byte) {
    const Tool* tool = find_tool(tools_, name_in_header(header_));
    if (tool == nullptr) {
        give_up(byte);
        return;
    }
    begin_call(JsonCall(*tool));
    push_call(byte);
}

void ToolCallParser::push_function(char byte) {
    if (header_.empty() && is_json_space(byte)) {
        held_ += byte;
    } else if (byte != function_begin[header_.size()]) {
        give_up(byte);
    } else {
        held_ += byte;
        header_ += byte;
        if (header_ == function_begin) begin_call(XmlCall(tools_));
    }
}

void ToolCallParser::begin_call(Call call) {
    call_ = std::move(call);
    reported_ = false;
    state_ = State::call;
}

void ToolCallParser::push_call(char byte) {
    const JsonStep step = std::visit([byte](auto& call) { return call.push(byte); }, call_);
    if (!reported_ && std::visit([](const auto& call) { return call.begun(); }, call_)) {
        held_.clear();
        out_->push_back(
            ToolCallBegin{.index = calls_begun_++,
                          .name = std::visit([](const auto& call) { return call.name(); }, call_)});
        reported_ = true;
    }
    if (step == JsonStep::complete) {
        report_call();
        end_call();
    } else if (step == JsonStep::broken && !reported_) {
        give_up(byte);
    } else if (step == JsonStep::broken) {
        report_call();
        in_list_ = false;
        end_call();
        state_ = State::text;
        if (const auto* call = std::get_if<XmlCall>(&call_)) {
            for (const char tag_byte : std::string(call->broken_tag())) push_byte(tag_byte);
        }
        push_byte(byte);
    } else if (!reported_ && !(held_.empty() && is_json_space(byte))) {
        held_ += byte;
    }
}

void ToolCallParser::end_call() {
    after_call_ = true;
    end_pending_ = !in_list_;
    if (in_list_) {
        state_ = State::between;
    } else {
        state_ = format_ == ToolFormat::bare_json ? State::leading : State::text;
    }
}

void ToolCallParser::push_between(char byte) {
    if (is_json_space(byte)) return;
    if (byte == ',') {
        begin_call(JsonCall(tools_));
        return;
    }
    in_list_ = false;
    state_ = State::text;
    if (byte == ']') {
        end_pending_ = true;
    } else {
        push_byte(byte);
    }
}

void ToolCallParser::give_up(char byte) {
    in_list_ = false;
    state_ = State::text;
    if (!held_.empty()) {
        after_call_ = false;
        end_pending_ = false;
        add_content(std::exchange(held_, {}));
    }
    push_byte(byte);
}

void ToolCallParser::add_content(std::string_view text) {
    if (text.empty()) return;
    auto* content = out_->empty() ? nullptr : std::get_if<ContentDelta>(&out_->back());
    if (content == nullptr) {
        out_->push_back(ContentDelta{std::string(text)});
    } else {
        content->text += text;
    }
}

void ToolCallParser::report_call() {
    if (!reported_) return;
    std::string text = std::visit([](auto& call) { return call.take_arguments(); }, call_);
    if (!text.empty()) out_->push_back(ToolCallArguments{calls_begun_ - 1, std::move(text)});
}

}  // namespace llm
