// Settings bound to the members of a module's plain struct.
//
// Shape    A module's settings_table.cpp lists bindings: the Setting, and the member that takes its value.
//          fill() may be called again and again; references are then read again, so a rotated secret is seen.
// Errors   config, as Document::read.
#pragma once

#include <chrono>
#include <concepts>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "config/document.h"
#include "config/loader.h"

namespace tailrace::config {

// The member's type decides; an enum takes the index of the choice, so its enumerators stand in the order of
// the choices.
template <class Member>
void assign(Member& member, const Value& value) {
  if constexpr (std::is_same_v<Member, std::string>) {
    member = value.text;
  } else if constexpr (std::is_same_v<Member, Secret>) {
    member = Secret(value.text);
  } else if constexpr (std::is_same_v<Member, bool>) {
    member = value.number != 0;
  } else if constexpr (std::is_enum_v<Member> || std::is_integral_v<Member>) {
    member = static_cast<Member>(value.number);
  } else if constexpr (std::is_same_v<Member, std::vector<std::string>>) {
    member = value.items;
  } else if constexpr (std::is_same_v<Member, std::map<std::string, std::string>>) {
    member.clear();
    member.insert(value.pairs.begin(), value.pairs.end());
  } else if constexpr (requires { typename Member::period; }) {
    member = std::chrono::duration_cast<Member>(std::chrono::milliseconds(value.number));
  } else {
    typename Member::value_type inner{};
    assign(inner, value);
    member = std::move(inner);
  }
}

template <class Target>
struct Binding {
  Setting setting;
  // `key` is what stands in the place of the `*`; empty where the name has none.
  std::function<void(Target& target, const std::string& key, const Value& value)> put;
};

// `access` answers the member: of (Target&), or of (Target&, const std::string& key) where the name has a `*`.
template <class Target, class Access>
Binding<Target> bind(Setting setting, Access access) {
  return {std::move(setting), [access](Target& target, const std::string& key, const Value& value) {
            if constexpr (std::invocable<Access, Target&, const std::string&>) {
              assign(access(target, key), value);
            } else {
              assign(access(target), value);
            }
          }};
}

// Known and checked, but no member takes it.
template <class Target>
Binding<Target> unbound(Setting setting) {
  return {std::move(setting), [](Target&, const std::string&, const Value&) {}};
}

template <class Target>
Table table_of(const std::vector<Binding<Target>>& bindings, std::vector<Rule> rules = {}) {
  Table table;
  for (const Binding<Target>& binding : bindings)
    table.settings.push_back(binding.setting);
  table.rules = std::move(rules);
  return table;
}

template <class Target>
void fill(Target& target, const std::vector<Binding<Target>>& bindings, const Document& document) {
  for (const Binding<Target>& binding : bindings) {
    const std::vector<const Entry*> entries = document.find(binding.setting.name);
    for (const Entry* entry : entries)
      binding.put(target, entry->chosen_key(), document.read(*entry));
    const bool chosen = binding.setting.name.find('*') != std::string::npos;
    if (entries.empty() && !chosen && !binding.setting.fallback.empty()) {
      binding.put(target, {}, fallback_value(binding.setting));
    }
  }
}

}  // namespace tailrace::config
