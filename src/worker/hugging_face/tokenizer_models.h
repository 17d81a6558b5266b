#pragma once

#include "worker/base/result.h"
#include "worker/hugging_face/token_table.h"
#include "worker/model_file/gguf_writer.h"

#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace worker {

// A tokenizer.json, and what messages call it.
struct TokenizerFile {
    const std::string& name;
    const boost::json::object& content;
    const boost::json::object& model;  // of `content`
};

// The keys of one kind of tokeniser, but for tokens and their types, which are changed in `table`
// to what libllama expects of them. Errors: model_unsupported, model_corrupt.

// Merges of bytes that are spelled as characters: GPT-2's kind.
Result<std::vector<GgufEntry>> plan_byte_level(const TokenizerFile& file, TokenTable& table);

// Merges of characters, spaces among them as "▁", with bytes for what the vocabulary lacks: a
// SentencePiece vocabulary in another dress.
Result<std::vector<GgufEntry>> plan_sentence_piece(const TokenizerFile& file, TokenTable& table);

// The longest pieces of words: BERT's kind.
Result<std::vector<GgufEntry>> plan_word_piece(const TokenizerFile& file, TokenTable& table);

}  // namespace worker
