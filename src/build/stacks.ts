import type { Engine } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import { createStack, type StackDeps } from './stack/debian.ts'
import { stackNames } from './stack/definition.ts'
import { ImageStates } from './stack/image-states.ts'
import type { Stack } from './stack/stack.ts'
import { createToolbox, type Toolbox, type ToolboxDeps } from './toolbox.ts'

/** A stack with what is made of it. */
type StackParts = { stack: Stack; toolbox: Toolbox; states: ImageStates }

/** The stack of that name. @throws stack_unavailable when its directory is gone */
export type Stacks = (name: string) => StackParts

type StacksDeps = StackDeps & { engine: ToolboxDeps['engine'] & Pick<Engine, 'findImage' | 'readImage'> }

/** All stacks of the server, each made when it is asked for first. */
export function createStacks(deps: StacksDeps): Stacks {
  const known = new Map<string, StackParts>()
  return (name) => {
    const parts = known.get(name) ?? openStack(deps, name)
    known.set(name, parts)
    return parts
  }
}

function openStack(deps: StacksDeps, name: string): StackParts {
  const names = stackNames(deps.config.stacksDirectory)
  if (!names.includes(name)) {
    throw new PaasError('stack_unavailable', `There is no stack ${name} any more; there is ${names.join(', ')}.`, {
      hint: 'Set another one with: paas stack:set NAME',
    })
  }
  const stack = createStack(deps, name)
  return { stack, toolbox: createToolbox({ engine: deps.engine, stack }), states: new ImageStates(deps.engine, stack) }
}
