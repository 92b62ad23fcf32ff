// Statements over foreign keys whose text is compared without regard to case. Pure.
#pragma once

#include <span>
#include <string>

#include "sqlserver/checks/facts.h"

namespace tailrace::sqlserver::checks {

// The numbers of those keys of which a child spells its parent's key in another way: one statement for all of them.
std::string find_differing(std::span<const LooseForeignKey* const> keys);

// Gives children the spelling of their parents.
std::string respell(const LooseForeignKey& key);

}  // namespace tailrace::sqlserver::checks
