#pragma once

#include "bench/call_record.h"

#include <boost/json/object.hpp>

#include <deque>
#include <vector>

namespace bench {

// The smallest value that at least `share` of all values do not exceed; 0 of none.
// Requires: sorted; 0 <= share <= 1.
double percentile(const std::vector<double>& sorted, double share);

// Milliseconds between the frames with text of one stream that came within [begin, end].
std::vector<double> gaps_ms(const CallRecord& record, SteadyTime begin, SteadyTime end);

// What the calls of one run amount to: output tokens a second from the first request to the last
// end, times to the first token, gaps between tokens, and counts. Where a prompt arrived while
// others were answered, also their gaps before and after that.
boost::json::object summary(const std::deque<CallRecord>& records,
                            const std::deque<CallRecord>& arriving);

}  // namespace bench
