#pragma once

#include "bench/call.h"
#include "bench/call_record.h"
#include "bench/load_shape.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <deque>
#include <exception>
#include <string>

namespace bench {

// One shape's requests to one server, all of them from the thread that calls `run`.
class LoadRun {
public:
    LoadRun(Target target, LoadShape shape);

    // Until every request has ended.
    void run();

    // One a request, in the order they began, but for the one that arrives while others run.
    const std::deque<CallRecord>& records() const { return records_; }
    // Empty where the shape has none.
    const std::deque<CallRecord>& arriving() const { return arriving_; }

private:
    void spawn(boost::asio::awaitable<void> work);
    boost::asio::awaitable<void> one_client(std::uint32_t number);
    boost::asio::awaitable<void> conversation(std::uint64_t number);
    boost::asio::awaitable<void> arrivals();
    boost::asio::awaitable<void> arriving_prompt();

    // Whether all clients' first answers are so far that the prompt may arrive, or have ended.
    bool all_are_answered() const;

    const Target target_;
    const LoadShape shape_;
    std::string shared_text_;
    boost::asio::io_context io_;
    std::exception_ptr failure_;
    // Deques: calls under way keep references.
    std::deque<CallRecord> records_;
    std::deque<CallRecord> arriving_;
};

}  // namespace bench
