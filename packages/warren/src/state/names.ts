const ADJECTIVES =
  'amber bold brave brisk calm clever cosy crisp daring eager early fair fleet fond gentle glad golden happy hardy honest jolly keen kind lively loyal lucky mellow merry mighty misty neat nimble noble patient plucky proud quick quiet rapid ready rosy royal rustic sandy shady sharp shiny silent silver sleek smart snug solid spry steady stout sunny swift tidy tough vivid warm wild wise witty'

const ANIMALS =
  'adder badger beaver bison boar bunny civet crane crow deer dingo dormouse dove eagle egret ermine falcon ferret finch fox gecko goose grouse hamster hare hawk hedgehog heron hound ibex jackdaw jay kestrel kite lark lemming linnet lynx marmot marten merlin mink mole moose mouse newt otter owl partridge pika plover polecat puffin quail rabbit raven robin shrew sparrow squirrel stoat stork swan tern toad vole weasel'

/** A name that is easy to say and to type: `brave-otter`. `random` gives numbers in [0, 1). */
export function makeName(random: () => number): string {
  return `${pick(ADJECTIVES, random)}-${pick(ANIMALS, random)}`
}

function pick(words: string, random: () => number): string {
  const list = words.split(' ')
  return list[Math.floor(random() * list.length)] ?? ''
}
