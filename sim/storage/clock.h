// The simulated server's clock: the machine's, plus a shift that a fault test may set.
//
// Units    As sim/storage/value.h: datetime in 1/300 s since 1900-01-01, datetime2 in 100 ns since 0001-01-01.
// Threads  Everything may be called from any thread.
#pragma once

#include <cstdint>

namespace tailrace::sim {

// 100 ns since 0001-01-01, UTC, shift included. Never goes back within one shift.
std::int64_t utc_ticks_now();
// The same instant on the server's wall clock (the process's time zone).
std::int64_t local_ticks_now();
// GETDATE(): the local time, rounded to 1/300 s.
std::int64_t local_datetime_now();
// The zone's offset of now, for SYSDATETIMEOFFSET().
std::int16_t local_offset_minutes();

void set_clock_shift_ms(std::int64_t shift_ms);
std::int64_t clock_shift_ms();
// The server's zone moves by so many minutes, as at a change to or from summer time; UTC goes on.
void set_zone_shift_minutes(std::int64_t minutes);

// datetime of ticks and back, rounded as SQL Server rounds (to the nearest 1/300 s).
std::int64_t datetime_from_ticks(std::int64_t ticks);
std::int64_t ticks_from_datetime(std::int64_t datetime);

}  // namespace tailrace::sim
