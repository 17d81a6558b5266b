#include "llm/text/text_search.h"

#include "worker/base/assert.h"

#include <algorithm>

namespace llm {

TextSearch::TextSearch(std::span<const std::string> texts) : nodes_(1) {
    for (const std::string& text : texts) insert(text);
    link();
}

void TextSearch::insert(std::string_view text) {
    WORKER_ASSERT(!text.empty());
    std::uint32_t node = 0;
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        std::uint32_t& root_edge = roots_[byte];
        std::uint32_t found = node == 0 ? root_edge : child(node, byte);
        if (found == nowhere) {
            found = static_cast<std::uint32_t>(nodes_.size());
            std::vector<Edge>& edges = nodes_[node].edges;
            edges.insert(std::ranges::upper_bound(edges, Edge{byte, 0}), {byte, found});
            if (node == 0) root_edge = found;
            nodes_.emplace_back();
        }
        node = found;
    }
    nodes_[node].text_bytes = static_cast<std::uint32_t>(text.size());
}

// Breadth first, so that what a node falls back to is complete before it.
void TextSearch::link() {
    std::vector<std::uint32_t> order = {0};
    for (std::size_t i = 0; i < order.size(); ++i) {
        const std::uint32_t parent = order[i];
        for (const auto& [byte, node] : nodes_[parent].edges) {
            order.push_back(node);
            if (parent == 0) continue;
            const std::uint32_t fallback = next(nodes_[parent].fallback, byte);
            nodes_[node].fallback = fallback;
            if (nodes_[node].text_bytes == 0) {
                nodes_[node].text_bytes = nodes_[fallback].text_bytes;
            }
        }
    }
}

std::uint32_t TextSearch::child(std::uint32_t node, unsigned char byte) const {
    if (node == 0) return roots_[byte];
    const std::vector<Edge>& edges = nodes_[node].edges;
    const auto edge = std::ranges::lower_bound(edges, byte, {}, &Edge::first);
    return edge != edges.end() && edge->first == byte ? edge->second : nowhere;
}

std::uint32_t TextSearch::next(std::uint32_t node, unsigned char byte) const {
    for (;;) {
        const std::uint32_t found = child(node, byte);
        if (found != nowhere || node == 0) return found;
        node = nodes_[node].fallback;
    }
}

std::size_t TextSearch::Pass::advance(char next) {
    node_ = search_.next(node_, static_cast<unsigned char>(next));
    return search_.nodes_[node_].text_bytes;
}

}  // namespace llm
