#pragma once

#include "worker/base/clock.h"

namespace worker {

// The first of start + n × interval that is after `now`: a beat that came late moves none of the
// later ones, and those that were missed are not made up for. Requires: start <= now, 0 < interval.
inline Clock::TimePoint next_beat(Clock::TimePoint start, Clock::Duration interval,
                                  Clock::TimePoint now) {
    return start + interval * ((now - start) / interval + 1);
}

}  // namespace worker
