#include "cpu/kv_pages.h"

#include "worker/base/assert.h"

#include <algorithm>
#include <cstring>

namespace cpu {
namespace {

std::uint32_t pages_of(std::uint32_t tokens) {
    return tokens / page_tokens + (tokens % page_tokens != 0 ? 1 : 0);
}

// Enough for every spread of the cells. A cell that several sequences share counts once, but is in
// several pages where one of them has copied a page to grow on its own. Of the pages in use
// - those in which a sequence ends before the page does are at most one a sequence;
// - the others are full. Two full pages with a cell in common begin alike and end differently,
// since
//   a page's last cell is never copied: there the texts part. Count one full page of each set that
//   begins alike: each has 32 cells that no other page of the count has, so these are at most
//   cells / 32. Each full page beyond stands for one branching of the tree of texts, and a tree
//   with as many leaves as sequences has fewer of them than leaves.
std::uint32_t pages_for(const KvPages::Shape& shape) {
    return shape.cells / page_tokens + 2 * shape.sequences_max;
}

}  // namespace

KvPages::KvPages(const Shape& shape)
    : shape_(shape),
      token_bytes_(std::size_t{2} * sizeof(std::uint16_t) * shape.layers * shape.heads *
                   shape.head_dim),
      head_bytes_(sizeof(std::uint16_t) * page_tokens * shape.head_dim),
      buffer_(token_bytes_ * page_tokens * pages_for(shape)),
      readers_(pages_for(shape)),
      texts_(shape.sequences_max) {
    given_back_.reserve(readers_.size());
}

std::uint32_t KvPages::length(llm::SequenceId sequence) const {
    return text(sequence).length;
}

bool KvPages::grow(llm::SequenceId sequence, std::uint32_t count) {
    Text& grown = text(sequence);
    if (count == 0) return true;
    const bool into_shared = grown.length % page_tokens != 0 && readers(grown.pages.back()) > 1;
    const std::size_t more = pages_of(grown.length + count) - grown.pages.size();
    if (more + (into_shared ? 1 : 0) > pages_free()) return false;
    if (into_shared) {
        const PageId own = take();
        std::memcpy(page_bytes(own), page_bytes(grown.pages.back()), page_tokens * token_bytes_);
        give_back(grown.pages.back());
        grown.pages.back() = own;
    }
    for (std::size_t i = 0; i < more; ++i) grown.pages.push_back(take());
    grown.length += count;
    return true;
}

HeadPage KvPages::head(llm::SequenceId sequence, std::uint32_t index, std::uint32_t layer,
                       std::uint32_t head) const {
    return head_page(page_bytes(text(sequence).pages[index]),
                     std::size_t{layer} * shape_.heads + head);
}

void KvPages::share(llm::SequenceId from, llm::SequenceId to, std::uint32_t length) {
    const Text& source = text(from);
    Text& taker = text(to);
    WORKER_ASSERT(taker.length == 0 && length <= source.length && from != to);
    taker.pages.assign(source.pages.begin(), source.pages.begin() + pages_of(length));
    taker.length = length;
    for (const PageId page : taker.pages) ++readers(page);
}

void KvPages::truncate(llm::SequenceId sequence, std::uint32_t length) {
    Text& cut = text(sequence);
    WORKER_ASSERT(length <= cut.length);
    // Backwards, so that the first page is the first to be taken again.
    while (cut.pages.size() > pages_of(length)) {
        give_back(cut.pages.back());
        cut.pages.pop_back();
    }
    cut.length = length;
}

std::vector<std::byte> KvPages::save(llm::SequenceId sequence, std::uint32_t from) const {
    const Text& source = text(sequence);
    WORKER_ASSERT(from <= source.length);
    std::vector<std::byte> bytes;
    bytes.reserve((source.length - from) * token_bytes_);
    for (const Part& part : parts(from, source.length)) write_part(source, part, bytes);
    return bytes;
}

bool KvPages::restore(llm::SequenceId sequence, std::uint32_t from,
                      std::span<const std::byte> bytes) {
    WORKER_ASSERT(length(sequence) == from && bytes.size() % token_bytes_ == 0);
    const auto count = static_cast<std::uint32_t>(bytes.size() / token_bytes_);
    if (!grow(sequence, count)) return false;
    const std::byte* next = bytes.data();
    for (const Part& part : parts(from, from + count)) {
        read_part(text(sequence), part, next);
        next += part.tokens() * token_bytes_;
    }
    return true;
}

std::uint64_t KvPages::bytes() const {
    return buffer_.size();
}

KvPages::Text& KvPages::text(llm::SequenceId sequence) {
    return texts_[static_cast<std::size_t>(sequence)];
}

const KvPages::Text& KvPages::text(llm::SequenceId sequence) const {
    return texts_[static_cast<std::size_t>(sequence)];
}

std::byte* KvPages::page_bytes(PageId page) const {
    return buffer_.data() + static_cast<std::size_t>(page) * page_tokens * token_bytes_;
}

HeadPage KvPages::head_page(std::byte* page, std::size_t head_index) const {
    std::byte* const keys = page + head_index * 2 * head_bytes_;
    return {.keys = reinterpret_cast<std::uint16_t*>(keys),
            .values = reinterpret_cast<std::uint16_t*>(keys + head_bytes_)};
}

// Pages that were in use come first: their memory is there already.
KvPages::PageId KvPages::take() {
    PageId page{};
    if (given_back_.empty()) {
        page = PageId{pages_used_++};
    } else {
        page = given_back_.back();
        given_back_.pop_back();
    }
    readers(page) = 1;
    return page;
}

void KvPages::give_back(PageId page) {
    if (--readers(page) == 0) given_back_.push_back(page);
}

std::vector<KvPages::Part> KvPages::parts(std::uint32_t begin, std::uint32_t end) {
    std::vector<Part> found;
    while (begin < end) {
        const std::uint32_t index = begin / page_tokens;
        const std::uint32_t page_begin = index * page_tokens;
        const std::uint32_t part_end = std::min(end, page_begin + page_tokens);
        found.push_back(
            {.index = index, .begin = begin - page_begin, .end = part_end - page_begin});
        begin = part_end;
    }
    return found;
}

// Of each layer's heads [head_dim][tokens] keys, then [tokens][head_dim] values: of a whole page
// its bytes as they are.
void KvPages::write_part(const Text& from, const Part& part, std::vector<std::byte>& out) const {
    std::byte* const page = page_bytes(from.pages[part.index]);
    if (part.tokens() == page_tokens) {
        out.insert(out.end(), page, page + page_tokens * token_bytes_);
        return;
    }
    const auto append = [&](const std::uint16_t* begin, std::size_t count) {
        const auto* const bytes = reinterpret_cast<const std::byte*>(begin);
        out.insert(out.end(), bytes, bytes + count * sizeof(std::uint16_t));
    };
    for (std::size_t i = 0; i < std::size_t{shape_.layers} * shape_.heads; ++i) {
        const HeadPage head = head_page(page, i);
        for (std::uint32_t d = 0; d < shape_.head_dim; ++d)
            append(head.keys + (d * page_tokens + part.begin), part.tokens());
        append(head.values + std::size_t{part.begin} * shape_.head_dim,
               std::size_t{part.tokens()} * shape_.head_dim);
    }
}

void KvPages::read_part(const Text& to, const Part& part, const std::byte* bytes) {
    std::byte* const page = page_bytes(to.pages[part.index]);
    if (part.tokens() == page_tokens) {
        std::memcpy(page, bytes, page_tokens * token_bytes_);
        return;
    }
    const auto fetch = [&](std::uint16_t* begin, std::size_t count) {
        std::memcpy(begin, bytes, count * sizeof(std::uint16_t));
        bytes += count * sizeof(std::uint16_t);
    };
    for (std::size_t i = 0; i < std::size_t{shape_.layers} * shape_.heads; ++i) {
        const HeadPage head = head_page(page, i);
        for (std::uint32_t d = 0; d < shape_.head_dim; ++d)
            fetch(head.keys + (d * page_tokens + part.begin), part.tokens());
        fetch(head.values + std::size_t{part.begin} * shape_.head_dim,
              std::size_t{part.tokens()} * shape_.head_dim);
    }
}

}  // namespace cpu
