#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llm {

// Finds many texts in one pass over another: an Aho-Corasick automaton over bytes. Work is linear
// in what is searched, whatever it is. Immutable. Thread: any.
class TextSearch {
public:
    // Requires: none is empty.
    explicit TextSearch(std::span<const std::string> texts);

    // One pass. Must not outlive the search.
    class Pass {
    public:
        explicit Pass(const TextSearch& search) : search_(search) {}

        // Bytes of the longest text that ends with this one; 0 where none does.
        std::size_t advance(char next);

        // True where what was passed ends with the beginning of a text, which may go on.
        bool is_within() const { return node_ != 0; }

    private:
        const TextSearch& search_;
        std::uint32_t node_ = 0;
    };

private:
    using Edge = std::pair<unsigned char, std::uint32_t>;
    struct Node {
        std::vector<Edge> edges;       // in ascending order
        std::uint32_t fallback = 0;    // the longest end of this that begins a text
        std::uint32_t text_bytes = 0;  // of the longest text that ends here
    };

    static constexpr std::uint32_t nowhere = 0;  // No edge leads to the root.

    std::uint32_t child(std::uint32_t node, unsigned char byte) const;
    std::uint32_t next(std::uint32_t node, unsigned char byte) const;
    void insert(std::string_view text);
    void link();

    std::vector<Node> nodes_;
    std::array<std::uint32_t, 256>
        roots_{};  // The root's edges: most bytes of a text ask for them.
};

}  // namespace llm
