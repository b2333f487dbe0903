"use strict";
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const format = (options) => new Intl.DateTimeFormat("en-GB", options);
  const clock = format({ hour: "2-digit", minute: "2-digit" });
  const forms = {
    clock,
    minute: format({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }),
    year: format({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" }),
    day: format({ day: "numeric", month: "short", year: "numeric" }),
  };
  const whole = format({ dateStyle: "full", timeStyle: "long" });
  const now = new Date();
  const local = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      const minute = time.dataset.form === "minute";
      const near = minute && at.toDateString() === now.toDateString();
      const far = minute && at.getFullYear() !== now.getFullYear();
      time.textContent = (near ? clock : far ? forms.year : forms[time.dataset.form] || forms.minute).format(at);
      time.title = whole.format(at);
    }
  };
  local(document);
  const said = document.querySelector("[data-zone]");
  if (said && zone) said.textContent = `All times are those of ${zone.replaceAll("_", " ")}.`;

  const list = document.getElementById("live");
  if (!list || !window.EventSource) return;
  const most = Number(list.dataset.most) || 6;
  const source = new EventSource(`/live?after=${Number(list.dataset.after) || 0}`);
  source.addEventListener("alert", (event) => {
    const holder = document.createElement("template");
    holder.innerHTML = event.data;
    const alert = holder.content.firstElementChild;
    if (!alert || list.querySelector(`[data-seq="${Number(event.lastEventId)}"]`)) return;
    local(alert);
    alert.classList.add("fresh");
    list.prepend(alert);
    while (list.children.length > most) list.lastElementChild.remove();
    document.getElementById("none")?.remove();
  });
  addEventListener("pagehide", () => source.close());
})();
