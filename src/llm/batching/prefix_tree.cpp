#include "llm/batching/prefix_tree.h"

#include <algorithm>
#include <ranges>

namespace llm {

PrefixTree::PrefixTree(TextModel& model, std::uint64_t bytes_max)
    : model_(model),
      bytes_max_(model.capabilities().prefix_saving == PrefixSaving::none ? 0 : bytes_max) {}

PrefixTree::Match PrefixTree::longest(const std::string& scope,
                                      std::span<const Token> tokens) const {
    const auto root = roots_.find(scope);
    if (root == roots_.end()) return {};
    Node* node = root->second.get();
    while (true) {
        const auto rest = tokens.subspan(node->begin);
        const auto differ = std::ranges::mismatch(node->tokens, rest).in1 - node->tokens.begin();
        const std::uint32_t length = node->begin + static_cast<std::uint32_t>(differ);
        if (length == tokens.size()) return {node, length};
        const auto child = node->children.find({length, tokens[length]});
        if (child == node->children.end()) return {node, length};
        node = child->second.get();
    }
}

std::vector<PrefixTree::Match> PrefixTree::steps_to(const Match& match,
                                                    std::span<const Token> tokens) const {
    const auto most = static_cast<std::uint32_t>(tokens.size() - 1);
    std::vector<Match> steps;
    std::uint32_t length = std::min(match.length, most);
    for (Node* node = match.node; node && node->parent; node = node->parent) {
        const bool whole = length == node->end();
        const bool is_last = steps.empty();
        const bool worth_it =
            whole || (saving() != PrefixSaving::state && length >= node->begin + length_min);
        if (length > node->begin && (worth_it || !is_last)) steps.push_back({node, length});
        if (saving() != PrefixSaving::parts && !steps.empty()) break;  // It holds all before it.
        length = std::min(length, node->begin);
    }
    std::ranges::reverse(steps);
    return steps;
}

std::uint32_t PrefixTree::find(const std::string& scope, std::span<const Token> tokens) const {
    const std::vector<Match> steps = steps_to(longest(scope, tokens), tokens);
    return steps.empty() ? 0 : steps.back().length;
}

std::uint32_t PrefixTree::restore(const std::string& scope, std::span<const Token> tokens,
                                  const Target& target) {
    const auto [sequence, length, cells_free] = target;
    for (const auto& [node, used] : steps_to(longest(scope, tokens), tokens)) {
        const std::uint32_t from = saving() == PrefixSaving::parts ? node->begin : 0;
        if (from != length) continue;
        if (node->end() - from > cells_free || !model_.restore(sequence, from, node->cells))
            return length;
        bytes_restored_ += node->cells.size();
        touch(node);
        if (used == node->end() || model_.truncate(sequence, used)) return used;
        model_.release(sequence);
        return 0;
    }
    return length;
}

void PrefixTree::keep(const std::string& scope, std::span<const Token> tokens, SequenceId sequence,
                      std::uint32_t worth) {
    if (bytes_max_ == 0) return;
    const Match match = longest(scope, tokens);
    if (match.node) touch(match.node);
    if (tokens.size() < match.length + std::size_t{worth}) return;
    const std::uint32_t from = saving() == PrefixSaving::parts ? match.length : 0;
    std::vector<std::byte> cells = model_.save(sequence, from);
    if (cells.size() > bytes_max_) return;
    bytes_ += cells.size();

    Node* parent = match.node;
    if (!parent) {
        auto& root = roots_[scope];
        root = std::make_unique<Node>(Node{.scope = scope});
        parent = root.get();
    }
    auto node = std::make_unique<Node>(Node{.parent = parent,
                                            .begin = match.length,
                                            .tokens = {tokens.begin() + match.length, tokens.end()},
                                            .cells = std::move(cells)});
    node->use = uses_.insert(uses_.begin(), node.get());
    Node* const kept = node.get();
    parent->children.emplace(std::pair{match.length, tokens[match.length]}, std::move(node));
    touch(kept);
    while (bytes_ > bytes_max_) forget_oldest();
}

void PrefixTree::touch(Node* node) {
    for (; node->parent; node = node->parent) uses_.splice(uses_.begin(), uses_, node->use);
}

void PrefixTree::forget_oldest() {
    Node* const leaf = uses_.back();
    uses_.pop_back();
    bytes_ -= leaf->cells.size();
    Node* const parent = leaf->parent;
    parent->children.erase({leaf->begin, leaf->tokens.front()});
    if (!parent->parent && parent->children.empty()) roots_.erase(std::string(parent->scope));
}

}  // namespace llm
