-- Strings: building, searching, replacing, formatting.
local seed = 42
local function random(most)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed % most + 1
end

local words = {}
for i = 1, 3000 do
  local letters = {}
  for j = 1, random(9) do letters[j] = string.char(96 + random(26)) end
  words[i] = table.concat(letters)
end

local text, count, total = table.concat(words, " "), {}, 0
for _ = 1, 45 do
  for word in text:gmatch("%a+") do count[word] = (count[word] or 0) + 1 end
  text = text:gsub("(%a)(%a*)", function(first, rest) return rest .. first end)
  for i = 1, 2000 do total = total + #string.format("%d:%5.2f:%s", i, i / 7, words[i]) end
  if text:find("zzzzqqqq", 1, true) then total = total + 1 end
  total = total + #text:upper():reverse():rep(3)
end

local names = {}
for name in pairs(count) do names[#names + 1] = name end
table.sort(names)
print(#names, total, names[1], names[#names], text:sub(1, 40))
