#include "llama/vocabulary.h"

#include "worker/base/assert.h"
#include "worker/base/utf8.h"
#include "worker/model_file/vocabulary_check.h"

#include <llama.h>

#include <algorithm>
#include <array>
#include <exception>
#include <limits>
#include <utility>

namespace llama {

using llm::Token;
using worker::ErrorCode;
using worker::fail;

namespace {

// libllama counts bytes and tokens in 32 bits; Hangul that is taken apart has three times as many.
constexpr std::size_t text_bytes_max = std::size_t{1} << 29;

std::string text_of(const llama_vocab* vocab, llama_token token) {
    return token == LLAMA_TOKEN_NULL ? std::string() : llama_vocab_get_text(vocab, token);
}

// The file's word on an option of BERT's normalisation; both are on where it has none.
bool has_option(const llama_model* model, const char* key) {
    std::array<char, 8> value;
    const int length = llama_model_meta_val_str(model, key, value.data(), value.size());
    return length < 0 || std::string_view(value.data()) != "false";
}

// BERT's tokenisers take accents off and, by the same step, syllables of Hangul apart. libllama
// does only the first. Source: Unicode Standard, 3.12, "Hangul Syllable Decomposition".
bool wants_hangul_split(const llama_model* model) {
    return llama_vocab_type(llama_model_get_vocab(model)) == LLAMA_VOCAB_TYPE_WPM &&
           has_option(model, "tokenizer.ggml.normalizer.lowercase") &&
           has_option(model, "tokenizer.ggml.normalizer.strip_accents");
}

// Three bytes of UTF-8: a character from U+0800 to U+FFFF.
std::uint32_t code_point(std::string_view three) {
    const auto bits = [&](std::size_t i, unsigned mask) {
        return static_cast<unsigned char>(three[i]) & mask;
    };
    return bits(0, 0x0F) << 12 | bits(1, 0x3F) << 6 | bits(2, 0x3F);
}

void append(std::uint32_t code_point, std::string& text) {
    for (const std::uint32_t byte :
         {0xE0 | code_point >> 12, 0x80 | (code_point >> 6 & 0x3F), 0x80 | (code_point & 0x3F)})
        text += static_cast<char>(byte);
}

std::string split_hangul(std::string_view text) {
    constexpr std::uint32_t first_syllable = 0xAC00, syllables = 11172;
    constexpr std::uint32_t leading = 0x1100, vowel = 0x1161, before_trailing = 0x11A7;
    constexpr std::uint32_t vowels = 21, trailings = 28;
    std::string split;
    split.reserve(text.size());
    while (!text.empty()) {
        const std::size_t bytes = std::max<std::size_t>(1, worker::utf8_length(text));
        const std::uint32_t index = bytes == 3 ? code_point(text) - first_syllable : syllables;
        if (index < syllables) {
            append(leading + index / (vowels * trailings), split);
            append(vowel + index / trailings % vowels, split);
            if (index % trailings != 0) append(before_trailing + index % trailings, split);
        } else {
            split += text.substr(0, bytes);
        }
        text.remove_prefix(bytes);
    }
    return split;
}

}  // namespace

Vocabulary::Vocabulary(std::shared_ptr<const Model> model)
    : model_(std::move(model)), splits_hangul_(wants_hangul_split(model_->handle())) {
    const llama_vocab* vocab = model_->vocabulary();
    const Token size = llama_vocab_n_tokens(vocab);
    pieces_.reserve(static_cast<std::size_t>(size));
    for (Token token = 0; token < size; ++token) {
        append_spelling(token);
        if (llama_vocab_is_eog(vocab, token)) ends_.push_back(token);
    }
    bytes_.shrink_to_fit();
    read_leading_space();
}

void Vocabulary::read_leading_space() {
    std::array<char, 8> value{};
    const std::string key(worker::leading_space_key);
    llama_model_meta_val_str(model_->handle(), key.c_str(), value.data(), value.size());
    leading_space_ = std::string_view(value.data()) == "true";
    if (!leading_space_) return;
    constexpr int whole = LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED;
    for (Token token = 0; token < static_cast<Token>(size()); ++token)
        if (llama_vocab_get_attr(model_->vocabulary(), token) & whole) special_.push_back(token);
}

void Vocabulary::append_spelling(Token token) {
    const llama_vocab* vocab = model_->vocabulary();
    constexpr bool special = true;  // Control tokens too.
    const std::size_t offset = bytes_.size();
    std::array<char, 64> buffer;
    const int length = llama_token_to_piece(vocab, token, buffer.data(), buffer.size(), 0, special);
    if (length >= 0) {
        bytes_.append(buffer.data(), static_cast<std::size_t>(length));
    } else {
        bytes_.resize(offset + static_cast<std::size_t>(-length));
        llama_token_to_piece(vocab, token, bytes_.data() + offset, -length, 0, special);
    }
    // Of what has no text of its own, libllama gives the spelling only when asked for it.
    const bool control =
        llama_token_to_piece(vocab, token, buffer.data(), buffer.size(), 0, false) == 0;
    pieces_.push_back({static_cast<std::uint32_t>(offset),
                       static_cast<std::uint32_t>(bytes_.size() - offset), control});
}

Result<std::vector<Token>> Vocabulary::tokenize(std::string_view text, llm::SpecialTokens special,
                                                llm::LeadingToken leading) const {
    if (text.size() > text_bytes_max) {
        return fail(ErrorCode::invalid_request, "the text is too long to be tokenised");
    }
    if (wants_leading_space(text, special))
        return tokenize(" " + std::string(text), special, leading);
    const std::string split = splits_hangul_ ? split_hangul(text) : std::string();
    if (splits_hangul_) text = split;
    const bool parse_special = special == llm::SpecialTokens::parsed;
    const bool add_special = leading == llm::LeadingToken::as_model_wants;
    const auto bytes = static_cast<std::int32_t>(text.size());
    std::vector<Token> tokens(text.size() + 8);  // Enough in one go for nearly every text.
    try {
        std::int32_t count = 0;
        const auto fill = [&] {
            count = llama_tokenize(model_->vocabulary(), text.data(), bytes, tokens.data(),
                                   static_cast<std::int32_t>(tokens.size()), add_special,
                                   parse_special);
        };
        fill();
        if (count < 0 && count != std::numeric_limits<std::int32_t>::min()) {
            tokens.resize(static_cast<std::size_t>(-count));
            fill();
        }
        if (count < 0) return fail(ErrorCode::invalid_request, "the text has too many tokens");
        tokens.resize(static_cast<std::size_t>(count));
    } catch (const std::exception& error) {
        // Some pre-tokenisers search with std::regex, which gives up on certain texts.
        return fail(ErrorCode::invalid_request,
                    std::string("the text cannot be tokenised: ") + error.what());
    }
    if (add_special && parse_special && begins_twice(tokens)) tokens.erase(tokens.begin());
    return tokens;
}

// Source: tokenizers, pre_tokenizers/metaspace.rs, `PrependScheme::First`.
bool Vocabulary::wants_leading_space(std::string_view text, llm::SpecialTokens special) const {
    if (!leading_space_ || text.empty() || text.starts_with(' ') || text.starts_with("▁"))
        return false;
    return std::none_of(special_.begin(), special_.end(), [&](Token token) {
        const bool is_read = special == llm::SpecialTokens::parsed || !at(token).control;
        return is_read && text.starts_with(spelling(token));
    });
}

// Chat templates often write the leading token themselves; a second one spoils the reply.
bool Vocabulary::begins_twice(const std::vector<Token>& tokens) const {
    const llama_vocab* vocab = model_->vocabulary();
    const Token bos = llama_vocab_bos(vocab);
    return llama_vocab_get_add_bos(vocab) && tokens.size() >= 2 && tokens[0] == bos &&
           tokens[1] == bos;
}

const Vocabulary::Piece& Vocabulary::at(Token token) const {
    WORKER_ASSERT(token >= 0 && static_cast<std::size_t>(token) < pieces_.size());
    return pieces_[static_cast<std::size_t>(token)];
}

std::string_view Vocabulary::piece(Token token) const {
    return at(token).control ? std::string_view() : spelling(token);
}

std::string_view Vocabulary::spelling(Token token) const {
    const Piece& piece = at(token);
    return std::string_view(bytes_).substr(piece.offset, piece.bytes);
}

bool Vocabulary::ends_generation(Token token) const {
    return std::binary_search(ends_.begin(), ends_.end(), token);
}

std::optional<llm::FillInMiddle> Vocabulary::fill_in_middle() const {
    const llama_vocab* vocab = model_->vocabulary();
    const llm::FillInMiddle tokens{.prefix = llama_vocab_fim_pre(vocab),
                                   .suffix = llama_vocab_fim_suf(vocab),
                                   .middle = llama_vocab_fim_mid(vocab)};
    for (const Token token : {tokens.prefix, tokens.suffix, tokens.middle})
        if (token == LLAMA_TOKEN_NULL) return std::nullopt;
    return tokens;
}

std::string Vocabulary::bos_text() const {
    return text_of(model_->vocabulary(), llama_vocab_bos(model_->vocabulary()));
}

std::string Vocabulary::eos_text() const {
    return text_of(model_->vocabulary(), llama_vocab_eos(model_->vocabulary()));
}

}  // namespace llama
