#include "embedding/api/embeddings_request.h"

#include "embedding/api/embedding_service.h"
#include "worker/http/job_wishes.h"
#include "worker/openai/model_names.h"

#include <fmt/format.h>

#include <utility>

namespace embedding {

using worker::Checked;
using worker::IgnoredParameters;
using worker::OpenAiError;
using worker::refuse;
using worker::reported;
using worker::required;
using worker::supported;

namespace {

// Texts of nothing and lists of nothing have no meaning that a vector could tell.
Checked check_none_empty(const std::vector<llm::TextOrTokens>& inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const auto* text = std::get_if<std::string>(&inputs[i]);
        if (text == nullptr || !text->empty()) continue;
        const std::string where = name_of_input(i, inputs.size());
        return refuse(where, where + " must not be empty");
    }
    return {};
}

}  // namespace

worker::Rows<EmbeddingsDraft> embeddings_rows(const EmbeddingsLimits& limits) {
    using D = EmbeddingsDraft;
    static const std::string inputs =
        fmt::format("{}; up to {}, none of them empty", llm::texts_or_tokens_accepted, inputs_max);
    return {
        worker::model_row<D>(),
        required<D>("input", &D::input, {},
                    {.note = "each input gets a vector. Texts get the tokens around them that the "
                             "model wants; lists of tokens are taken as they stand",
                     .accepted = inputs}),
        supported<D>("encoding_format", &D::encoding_format, {.words = {"float", "base64"}},
                     {.note = "base64 of the floats' bytes, little-endian"}),
        supported<D>("dimensions", &D::dimensions, {.min = 1, .max = limits.dimensions},
                     {.note = "so many numbers of each vector, from the first, at length 1 again",
                      .limit = "the model's"}),
        supported<D>("priority", &D::priority, worker::priority_form,
                     {.note = "extension; the higher goes first"}),
        reported<D>("user", "callers are told apart by their tokens"),
    };
}

std::string name_of_input(std::size_t index, std::size_t count) {
    return count == 1 ? "input" : fmt::format("input[{}]", index);
}

tl::expected<EmbeddingsRequest, OpenAiError> parse_embeddings_request(
    const boost::json::value& body, const EmbeddingsLimits& limits) {
    const boost::json::object* object = body.if_object();
    if (!object) return tl::make_unexpected(OpenAiError{.message = "the body must be an object"});
    IgnoredParameters ignored;
    EmbeddingsDraft draft;
    Checked read = read_object(*object, embeddings_rows(limits), worker::BodyPlace{ignored}, draft);
    if (!read) return tl::make_unexpected(std::move(read.error()));
    auto inputs = llm::read_texts_or_tokens(
        *draft.input, "input",
        {.count_max = inputs_max, .vocabulary_size = limits.vocabulary_size});
    if (!inputs) return tl::make_unexpected(std::move(inputs.error()));
    read = check_none_empty(*inputs);
    if (!read) return tl::make_unexpected(std::move(read.error()));
    return EmbeddingsRequest{.model = std::move(draft.model),
                             .inputs = std::move(*inputs),
                             .encoding_format = draft.encoding_format == "base64"
                                                    ? EncodingFormat::base64
                                                    : EncodingFormat::numbers,
                             .dimensions = draft.dimensions,
                             .priority = draft.priority,
                             .ignored = std::move(ignored).take()};
}

}  // namespace embedding
