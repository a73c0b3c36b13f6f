# What the stand-ins beside this file share: a computer in a JSON file (SERVICE_WORLD) and a record of every call
# (SERVICE_CALLS). Dot-sourced by each of them.

function Read-World {
    $world = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText($env:SERVICE_WORLD))
    # A worker whose stop file is there ends in good order, unless the test made it deaf. The file is for tests that
    # change that while something runs: the world is written here, too.
    $deaf = $world.deaf -or [IO.File]::Exists("$env:SERVICE_WORLD.deaf")
    $alive = @()
    foreach ($process in @($world.processes)) {
        $match = [regex]::Match($process.commandLine, '--stop-file (?:"([^"]*)"|(\S+))')
        $file = $match.Groups[1].Value + $match.Groups[2].Value
        if ($match.Success -and -not $deaf -and [IO.File]::Exists($file)) {
            foreach ($task in @($world.tasks)) {
                if ($task.TaskName -eq $process.task) { $task.State = 'Ready'; $task.info.LastTaskResult = 0 }
            }
        }
        else { $alive += $process }
    }
    $world.processes = @($alive)
    $world
}

function Write-World($World) {
    [IO.File]::WriteAllText($env:SERVICE_WORLD, (ConvertTo-Json -InputObject $World -Depth 8))
}

function Add-Call([string]$Name, $Bound) {
    $values = @{}
    foreach ($key in $Bound.Keys) { $values[$key] = $Bound[$key] }
    $line = ConvertTo-Json -InputObject @{ cmdlet = $Name; bound = $values } -Depth 6 -Compress
    [IO.File]::AppendAllText($env:SERVICE_CALLS, $line + "`n")
}

# As CDXML cmdlets fail: the id is the HRESULT's text, the message is in the language of Windows.
function New-Refusal([string]$HResult, [string]$Category = 'NotSpecified', [string]$Message = 'Windows does not want that.') {
    $exception = [Microsoft.Management.Infrastructure.CimException]::new($Message)
    [System.Management.Automation.ErrorRecord]::new($exception, "HRESULT $HResult", $Category, $null)
}

function New-Absence([string]$Property) {
    $exception = [Microsoft.Management.Infrastructure.CimException]::new("No MSFT_ScheduledTask objects found with property '$Property'.")
    [System.Management.Automation.ErrorRecord]::new($exception, "CmdletizationQuery_NotFound_$Property", 'ObjectNotFound', $null)
}
