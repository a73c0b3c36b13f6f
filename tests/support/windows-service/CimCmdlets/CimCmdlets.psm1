# A stand-in for Get-CimInstance and Win32_Process, which is all that the worker's module asks of it.

. (Join-Path -Path (Split-Path -Path $PSScriptRoot -Parent) -ChildPath 'world.ps1')

function Get-CimInstance {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory = $true, Position = 0)][string]$ClassName, [string]$Filter, [string]$Namespace)
    Add-Call 'Get-CimInstance' $PSBoundParameters
    if ($ClassName -ne 'Win32_Process') { throw "This stand-in knows no $ClassName." }
    $world = Read-World
    Write-World $world
    foreach ($process in $world.processes) {
        [pscustomobject]@{ ProcessId = $process.pid; CommandLine = $process.commandLine; CreationDate = [datetime]::Now }
    }
}

Export-ModuleMember -Function Get-CimInstance
