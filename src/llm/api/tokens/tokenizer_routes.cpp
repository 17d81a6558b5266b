#include "llm/api/tokens/tokenizer_routes.h"

#include "llm/model/length_bound.h"
#include "worker/base/json.h"
#include "worker/base/utf8.h"
#include "worker/contract/json_object.h"
#include "worker/openai/openai_error.h"
#include "worker/openai/parameter.h"
#include "worker/openai/plain_answer.h"

#include <boost/asio/awaitable.hpp>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace llm {

using boost::asio::awaitable;
using worker::BodyPlace;
using worker::IgnoredParameter;
using worker::IgnoredParameters;
using worker::JsonObject;
using worker::openai_error_response;
using worker::OpenAiError;
using worker::PlainAnswer;
using worker::refuse;
using worker::ReplyWriter;
using worker::Request;
using worker::required;
using worker::Rows;
using worker::supported;

namespace {

// More than any context that is served; what tokenisers take long for has many.
constexpr std::size_t tokens_max = 200'000;

using Reply = tl::expected<PlainAnswer, OpenAiError>;

struct TokenizeRequest {
    std::string content;
    bool add_special = false;
    bool parse_special = true;
    bool with_pieces = false;
    std::vector<IgnoredParameter> ignored;
};

struct DetokenizeRequest {
    std::vector<std::int64_t> tokens;
    std::vector<IgnoredParameter> ignored;
};

template <class Wanted>
tl::expected<Wanted, OpenAiError> read(const boost::json::value& body, const Rows<Wanted>& rows) {
    const boost::json::object* object = body.if_object();
    if (!object) return tl::make_unexpected(OpenAiError{.message = "the body must be an object"});
    IgnoredParameters ignored;
    Wanted wanted;
    if (auto done = read_object(*object, rows, BodyPlace{ignored}, wanted); !done)
        return tl::make_unexpected(std::move(done.error()));
    wanted.ignored = std::move(ignored).take();
    return wanted;
}

// Bytes that are no whole characters cannot be a JSON text.
JsonObject piece_json(Token token, std::string_view piece) {
    JsonObject json;
    json.add("id", token);
    if (worker::is_utf8(piece)) return json.add("piece", piece);
    std::vector<unsigned> bytes;
    for (const char c : piece) bytes.push_back(static_cast<unsigned char>(c));
    return json.add("piece", bytes);
}

Reply tokenize(const boost::json::value& body, const Vocabulary& vocabulary) {
    using W = TokenizeRequest;
    auto wanted = read<W>(
        body, {required<W>("content", &W::content), supported<W>("add_special", &W::add_special),
               supported<W>("parse_special", &W::parse_special),
               supported<W>("with_pieces", &W::with_pieces)});
    if (!wanted) return tl::make_unexpected(wanted.error());
    const auto longer = surely_longer_than(tokens_max, wanted->content, vocabulary);
    if (!longer) return tl::make_unexpected(openai_error(longer.error()));
    if (*longer)
        return refuse("content",
                      fmt::format("content has more than {} tokens: send it in parts", tokens_max));
    const auto tokens = vocabulary.tokenize(
        wanted->content, wanted->parse_special ? SpecialTokens::parsed : SpecialTokens::as_text,
        wanted->add_special ? LeadingToken::as_model_wants : LeadingToken::none);
    if (!tokens) return tl::make_unexpected(openai_error(tokens.error()));
    PlainAnswer answer{.json = {}, .ignored = std::move(wanted->ignored)};
    if (!wanted->with_pieces) {
        answer.json.add("tokens", *tokens);
        return answer;
    }
    std::vector<JsonObject> pieces;
    for (const Token token : *tokens)
        pieces.push_back(piece_json(token, vocabulary.spelling(token)));
    answer.json.add("tokens", pieces);
    return answer;
}

Reply detokenize(const boost::json::value& body, const Vocabulary& vocabulary) {
    using W = DetokenizeRequest;
    const std::uint64_t last = vocabulary.size() - 1;
    auto wanted =
        read<W>(body, {required<W>("tokens", &W::tokens, {.item = {.min = 0, .max = last}})});
    if (!wanted) return tl::make_unexpected(wanted.error());
    std::string text;
    for (const std::int64_t token : wanted->tokens)
        text += vocabulary.spelling(static_cast<Token>(token));
    return PlainAnswer{.json = JsonObject().add("content", text),
                       .ignored = std::move(wanted->ignored)};
}

using Work = Reply (*)(const boost::json::value& body, const Vocabulary& vocabulary);

Reply run(const std::string& body, const Vocabulary& vocabulary, Work work) {
    const auto json = worker::parse_json(body);
    if (!json) return tl::make_unexpected(openai_error(json.error()));
    return work(*json, vocabulary);
}

// Long texts take long, and some tokenisers recurse: always on the codec thread.
awaitable<void> serve(const TokenizerParts& parts, Work work, Request& request,
                      ReplyWriter& reply) {
    const auto vocabulary = parts.vocabulary();
    if (!vocabulary) {
        reply.send(openai_error_response(
            {worker::ErrorCode::not_ready, "the model is still loading", std::nullopt}));
        co_return;
    }
    auto body = std::make_shared<const std::string>(std::move(request.body));
    auto task = [body, work, vocabulary]() -> Result<Reply> {
        return run(*body, *vocabulary, work);
    };
    Result<Reply> done = co_await parts.codec.run(std::move(task));
    if (!done) {
        reply.send(openai_error_response(done.error()));
        co_return;
    }
    reply.send(to_response(std::move(*done), request.fields));
}

}  // namespace

void add_tokenizer_routes(worker::Router& router, TokenizerParts parts) {
    const auto shared = std::make_shared<const TokenizerParts>(std::move(parts));
    const std::pair<const char*, Work> served[] = {{"/tokenize", tokenize},
                                                   {"/detokenize", detokenize}};
    for (const char* prefix : {"", "/v1", "/openai/v1"})
        for (const auto& [path, work] : served)
            router.add({.method = "POST",
                        .pattern = std::string(prefix) + path,
                        .handler =
                            [shared, work](Request& request, ReplyWriter& reply) {
                                return serve(*shared, work, request, reply);
                            },
                        .error_shape = openai_error_response,
                        .json_body = true});
}

}  // namespace llm
