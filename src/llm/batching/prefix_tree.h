#pragma once

#include "llm/model/text_model.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace llm {

// Texts that the model has computed, kept in host memory, so that one which begins alike is copied
// from there as far as it goes. A radix tree over token ids: a node holds the cells of its own
// tokens and goes on from any place of its parent's. The least recently used leaf is forgotten when
// room is needed.
//
// They are not kept in the model's own cells, because attention passes over every cell that is in
// use: texts that nobody reads would slow all those that run.
//
// A scope is a group of callers that may learn what the others have asked. Thread: the engine
// thread.
class PrefixTree {
public:
    // A copy is worth it from this many tokens on.
    static constexpr std::uint32_t length_min = 32;

    // `bytes_max`: of all cells that are kept; 0: none.
    PrefixTree(TextModel& model, std::uint64_t bytes_max);

    // How much of the text could be restored into an empty sequence. Less than all of it: the last
    // token is to be computed, since its logits are wanted.
    std::uint32_t find(const std::string& scope, std::span<const Token> tokens) const;

    // A sequence that holds the first `length` tokens of a text.
    struct Target {
        SequenceId sequence{};
        std::uint32_t length = 0;
        std::uint64_t cells_free = 0;  // it may grow by so many
    };
    // Appends the next kept cells of `tokens`; the sequence's new length. The same length when
    // there are no more, or no room for them; 0 when it could not be done and the sequence is
    // empty now.
    std::uint32_t restore(const std::string& scope, std::span<const Token> tokens,
                          const Target& target);

    // Keeps the cells of `tokens`, all that the sequence holds, as far as they are not there yet.
    // Fewer than `worth` new ones are left out.
    void keep(const std::string& scope, std::span<const Token> tokens, SequenceId sequence,
              std::uint32_t worth = length_min);

    std::uint64_t bytes() const { return bytes_; }
    std::uint64_t bytes_restored() const { return bytes_restored_; }  // ever
    // Whether any beginning of a text that is kept can be restored.
    bool keeps_beginnings() const { return bytes_max_ > 0 && saving() != PrefixSaving::state; }

private:
    struct Node {
        Node* parent = nullptr;
        std::string scope = {};   // a root's own; its children's keep their root's
        std::uint32_t begin = 0;  // the position of the first token
        std::vector<Token> tokens = {};
        std::vector<std::byte> cells = {};
        // By the position where they go on, and their first token.
        std::map<std::pair<std::uint32_t, Token>, std::unique_ptr<Node>> children = {};
        std::list<Node*>::iterator use = {};

        std::uint32_t end() const { return begin + static_cast<std::uint32_t>(tokens.size()); }
    };
    // Alike up to `length`, which lies within the node or at its end.
    struct Match {
        Node* node = nullptr;
        std::uint32_t length = 0;
    };

    PrefixSaving saving() const { return model_.capabilities().prefix_saving; }
    Match longest(const std::string& scope, std::span<const Token> tokens) const;
    // The nodes from the root's child on, and how far each is used.
    std::vector<Match> steps_to(const Match& match, std::span<const Token> tokens) const;
    void touch(Node* node);
    void forget_oldest();

    TextModel& model_;
    const std::uint64_t bytes_max_;
    std::uint64_t bytes_ = 0;
    std::uint64_t bytes_restored_ = 0;
    std::map<std::string, std::unique_ptr<Node>> roots_;  // by scope
    std::list<Node*> uses_;  // The latest first. Parents before their children, so a leaf is last.
};

}  // namespace llm
