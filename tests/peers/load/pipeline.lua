-- 16 requests in one write; wrk counts each answer.
init = function()
  local all = {}
  for i = 1, 16 do all[i] = wrk.format("GET", wrk.path) end
  requests = table.concat(all)
end
request = function() return requests end
