#include "llm/api/completions/logprobs_json.h"

#include "worker/base/json.h"
#include "worker/base/utf8.h"
#include "worker/contract/json_object.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace llm {

using worker::JsonObject;

namespace {

// What OpenAI says of tokens that cannot come, for JSON has no infinity.
constexpr float least = -9999.0F;

float told(float logprob) {
    return std::max(logprob, least);
}

JsonObject token_json(const TokenLogprob& token, const Vocabulary& vocabulary) {
    const std::string_view text = vocabulary.spelling(token.token);
    std::vector<unsigned> bytes;
    for (const char c : text) bytes.push_back(static_cast<unsigned char>(c));
    return JsonObject().add("token", text).add("logprob", told(token.logprob)).add("bytes", bytes);
}

std::string quoted(std::string_view text) {
    std::string json;
    worker::append_json_string(json, worker::to_utf8(text));
    return json;
}

// Two tokens may have the same text where bytes are no whole character; a JSON object names
// everything once.
std::string top_object(const std::vector<TokenLogprob>& top, const Vocabulary& vocabulary) {
    std::vector<std::string> names;
    std::string members;
    for (const TokenLogprob& each : top) {
        std::string name = quoted(vocabulary.spelling(each.token));
        if (std::ranges::find(names, name) != names.end()) continue;
        members += fmt::format("{}{}:{}", names.empty() ? "" : ",", name, told(each.logprob));
        names.push_back(std::move(name));
    }
    return "{" + members + "}";
}

}  // namespace

std::vector<Token> ids_of(std::span<const Logprobs> tokens) {
    std::vector<Token> ids;
    for (const Logprobs& each : tokens) ids.push_back(each.chosen.token);
    return ids;
}

std::string chat_logprobs(std::span<const Logprobs> tokens, const Vocabulary& vocabulary) {
    std::vector<JsonObject> content;
    for (const Logprobs& each : tokens) {
        std::vector<JsonObject> top;
        for (const TokenLogprob& one : each.top) top.push_back(token_json(one, vocabulary));
        content.push_back(token_json(each.chosen, vocabulary).add("top_logprobs", top));
    }
    return JsonObject().add("content", content).add("refusal", nullptr).text();
}

std::string completion_logprobs(std::span<const Logprobs> tokens, const Vocabulary& vocabulary,
                                std::size_t& offset) {
    std::vector<std::string> texts;
    std::vector<std::string> tops;
    std::vector<std::size_t> offsets;
    std::vector<std::string> logprobs;
    for (const Logprobs& each : tokens) {
        const std::string text = worker::to_utf8(vocabulary.piece(each.chosen.token));
        offsets.push_back(offset);
        offset += worker::count_characters(text);
        texts.push_back(worker::to_utf8(vocabulary.spelling(each.chosen.token)));
        // Nothing is known of a prompt's first token.
        const bool known = !std::isnan(each.chosen.logprob);
        logprobs.push_back(known ? fmt::to_string(told(each.chosen.logprob)) : "null");
        tops.push_back(known ? top_object(each.top, vocabulary) : "null");
    }
    return JsonObject()
        .add("tokens", texts)
        .add_json("token_logprobs", fmt::format("[{}]", fmt::join(logprobs, ",")))
        .add_json("top_logprobs", fmt::format("[{}]", fmt::join(tops, ",")))
        .add("text_offset", offsets)
        .text();
}

}  // namespace llm
