#include "llm/text/reasoning_splitter.h"

#include "worker/base/assert.h"

#include <array>
#include <utility>
#include <vector>

namespace llm {
namespace {

constexpr std::array<ReasoningTags, 6> all_tags = {{
    {"<think>", "</think>"},
    {"[THINK]", "[/THINK]"},
    {"<seed:think>", "</seed:think>"},
    {"<|inner_prefix|>", "<|inner_suffix|>"},
    {"<|START_THINKING|>", "<|END_THINKING|>"},
    {"<|channel>thought", "<channel|>"},
}};

constexpr bool is_line_break(char byte) {
    return byte == '\n' || byte == '\r';
}

constexpr bool is_space(char byte) {
    return is_line_break(byte) || byte == ' ' || byte == '\t';
}

std::string_view without_space_at_end(std::string_view text) {
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

ReasoningTags tags_or_none(ReasoningFormat format) {
    return format == ReasoningFormat::none ? ReasoningTags{} : reasoning_tags(format);
}

std::vector<std::string> closing(std::string_view tag) {
    return tag.empty() ? std::vector<std::string>{} : std::vector{std::string(tag)};
}

}  // namespace

const ReasoningTags& reasoning_tags(ReasoningFormat format) {
    WORKER_ASSERT(format != ReasoningFormat::none);
    return all_tags[static_cast<std::size_t>(format) - 1];
}

ReasoningFormat reasoning_format_of(std::string_view template_source) {
    for (std::size_t i = 0; i < all_tags.size(); ++i) {
        // Some templates show the tag that closes only: to cut reasoning out of earlier replies.
        if (template_source.find(all_tags[i].close) != std::string_view::npos) {
            return static_cast<ReasoningFormat>(i + 1);
        }
    }
    return ReasoningFormat::none;
}

ReplyStart reply_start(ReasoningFormat format, std::string_view prompt) {
    if (format == ReasoningFormat::none) return ReplyStart::outside;
    const bool opened = without_space_at_end(prompt).ends_with(reasoning_tags(format).open);
    return opened ? ReplyStart::inside : ReplyStart::outside;
}

ReasoningSplitter::ReasoningSplitter(ReasoningFormat format, ReplyStart start)
    : tags_(tags_or_none(format)), close_(closing(tags_.close)) {
    if (format == ReasoningFormat::none) return;
    state_ = start == ReplyStart::inside ? State::open_repeated : State::begin;
}

ReasoningSplitter::Parts ReasoningSplitter::push(std::string_view text) {
    Parts parts;
    for (std::size_t i = 0; i < text.size(); ++i) {
        switch (state_) {
            case State::begin:
            case State::open_repeated: push_begin(text[i], parts); break;
            case State::reasoning: push_reasoning(text[i], parts); break;
            case State::content_begin:
                if (is_line_break(text[i])) break;
                state_ = State::content;
                [[fallthrough]];
            case State::content: parts.content += text.substr(i); return parts;
        }
    }
    return parts;
}

void ReasoningSplitter::push_begin(char byte, Parts& parts) {
    held_ += byte;
    if (tag_bytes_ == 0 && is_space(byte)) return;
    if (byte != tags_.open[tag_bytes_]) {
        leave_begin(parts);
        return;
    }
    if (++tag_bytes_ < tags_.open.size()) return;
    held_.clear();
    state_ = State::reasoning;
}

// No tag has opened the reasoning.
void ReasoningSplitter::leave_begin(Parts& parts) {
    const std::string held = std::exchange(held_, {});
    const bool inside = state_ == State::open_repeated;
    state_ = inside ? State::reasoning : State::content;
    if (!inside) {
        parts.content += held;
        return;
    }
    // What was held may close the reasoning: it is shorter than a tag, but for space before it.
    const Parts rest = push(held);
    parts.reasoning += rest.reasoning;
    parts.content += rest.content;
}

void ReasoningSplitter::push_reasoning(char byte, Parts& parts) {
    const StopStrings::Output output = close_.push(std::string_view(&byte, 1));
    for (const char safe : output.text) add_reasoning(safe, parts);
    if (output.matched) state_ = State::content_begin;
}

void ReasoningSplitter::add_reasoning(char byte, Parts& parts) {
    if (is_line_break(byte)) {
        if (has_reasoning_) line_breaks_ += byte;
        return;
    }
    has_reasoning_ = true;
    parts.reasoning += std::exchange(line_breaks_, {});
    parts.reasoning += byte;
}

ReasoningSplitter::Parts ReasoningSplitter::finish() {
    Parts parts;
    if (state_ == State::begin || state_ == State::open_repeated) leave_begin(parts);
    if (state_ == State::reasoning) {
        for (const char rest : close_.flush()) add_reasoning(rest, parts);
    }
    return parts;
}

}  // namespace llm
