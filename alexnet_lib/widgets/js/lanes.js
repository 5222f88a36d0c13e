// Networks that learn side by side, each in a worker of its own (learn.js); what they need comes on the first click.

async function openLanes(model, settings) {
  const [patches, ...scripts] = await Promise.all(["patches", "engine", "learn"].map((name) => assetOf(model, name)));
  const open = async (setting) => {
    const engine = startEngine(scripts.join("\n"), "serveLearning");
    return { engine, ...(await engine.ask("open", { patches, ...setting })) };
  };
  return Promise.all(settings.map(open));
}

// Resolves at once in a page that is seen, and else when it is seen again: nobody watches a hidden one learn.
const whenSeen = () => new Promise((resolve) => {
  if (!document.hidden) resolve();
  else document.addEventListener("visibilitychange", resolve, { once: true });
});
