// 128-bit integers under a name: ISO C++ does not know them, both compilers do.
#pragma once

namespace tailrace {

__extension__ using int128 = __int128;
__extension__ using uint128 = unsigned __int128;

}  // namespace tailrace
