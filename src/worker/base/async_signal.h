#pragma once

#include "worker/base/clock.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace worker {

// Lets one coroutine sleep until another wakes it. A `notify` without a sleeper is remembered for
// the next `wait_until`, so that nothing is missed. Thread: io.
class AsyncSignal {
public:
    explicit AsyncSignal(boost::asio::any_io_executor executor) : timer_(std::move(executor)) {}

    void notify() {
        notified_ = true;
        timer_.cancel();
    }

    // Returns at `deadline` or after a `notify`, whichever is first; at once after a missed one.
    boost::asio::awaitable<void> wait_until(Clock::TimePoint deadline) {
        if (!notified_) {
            timer_.expires_at(deadline);
            const auto [ec] =
                co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
            static_cast<void>(ec);  // Cancelled is the usual way to wake.
        }
        notified_ = false;
    }

private:
    boost::asio::steady_timer timer_;
    bool notified_ = false;
};

}  // namespace worker
