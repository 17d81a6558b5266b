#pragma once

#include "cpu/kernels/aligned_buffer.h"
#include "cpu/kernels/attention.h"
#include "llm/model/text_model.h"

#include <cstdint>
#include <span>
#include <vector>

namespace cpu {

// The keys and values of all sequences, in pages of 32 tokens that sequences share as far as their
// texts begin alike. A shared page is never written: who grows into one copies it first. There are
// pages for `cells` tokens whichever way they are spread over the sequences. Thread: one; `head` is
// for any while no page is taken or given back.
class KvPages {
public:
    struct Shape {
        std::uint32_t layers = 0;
        std::uint32_t heads = 0;     // that keep keys and values
        std::uint32_t head_dim = 0;  // of keys as of values
        std::uint32_t cells = 0;     // tokens
        std::uint32_t sequences_max = 0;
    };
    explicit KvPages(const Shape& shape);

    std::uint32_t length(llm::SequenceId sequence) const;

    // Room for `count` more tokens behind the sequence's end, which are then counted in `length`.
    // False, and nothing changed, where the pages do not suffice.
    [[nodiscard]] bool grow(llm::SequenceId sequence, std::uint32_t count);

    // Where a sequence's page `index` (tokens 32 * index and following) keeps a head of a layer.
    HeadPage head(llm::SequenceId sequence, std::uint32_t index, std::uint32_t layer,
                  std::uint32_t head) const;

    // As of TextModel.
    void share(llm::SequenceId from, llm::SequenceId to, std::uint32_t length);
    void truncate(llm::SequenceId sequence, std::uint32_t length);
    std::vector<std::byte> save(llm::SequenceId sequence, std::uint32_t from) const;
    [[nodiscard]] bool restore(llm::SequenceId sequence, std::uint32_t from,
                               std::span<const std::byte> bytes);

    std::uint64_t bytes() const;  // of all pages, whether touched or not

private:
    enum class PageId : std::uint32_t {};
    struct Text {
        std::vector<PageId> pages;
        std::uint32_t length = 0;  // tokens
    };
    // Tokens of one page of a sequence, half-open.
    struct Part {
        std::uint32_t index;  // of the page in the sequence
        std::uint32_t begin;
        std::uint32_t end;

        std::uint32_t tokens() const { return end - begin; }
    };

    Text& text(llm::SequenceId sequence);
    const Text& text(llm::SequenceId sequence) const;
    std::uint32_t& readers(PageId page) { return readers_[static_cast<std::uint32_t>(page)]; }
    std::byte* page_bytes(PageId page) const;
    HeadPage head_page(std::byte* page, std::size_t head_index) const;
    std::size_t pages_free() const { return given_back_.size() + readers_.size() - pages_used_; }

    PageId take();
    void give_back(PageId page);

    static std::vector<Part> parts(std::uint32_t begin, std::uint32_t end);
    void write_part(const Text& from, const Part& part, std::vector<std::byte>& out) const;
    void read_part(const Text& to, const Part& part, const std::byte* bytes);

    // Constant after construction.
    const Shape shape_;
    const std::size_t token_bytes_;  // of all layers
    const std::size_t head_bytes_;   // of one head's keys in one page; as many of values
    const AlignedBuffer buffer_;     // [pages][layers][heads]{keys, values}: see HeadPage

    std::vector<std::uint32_t> readers_;  // [pages]; sequences that have it
    std::uint32_t pages_used_ = 0;        // the first ones; those behind them were never taken
    std::vector<PageId> given_back_;      // of the used ones, the last of which is taken next
    std::vector<Text> texts_;             // [sequences_max]
};

}  // namespace cpu
